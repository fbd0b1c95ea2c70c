"""The rows of `llmctl metrics`: which lines are read, and what becomes of them."""

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from infra.deploy.types import Live
from infra.environment.model import Engine, Environment
from infra.environment.slots import Slot
from infra.metrics.ports import Point
from infra.metrics.summary import MEASURES, Row, Summary, Target, summarise
from infra.metrics.targets import targets
from infra.metrics.window import window
from infra.observability.serving import Serving
from infra.observability.types import Line, Unit
from tests.fakes.deploy import START, FakeRuntime
from tests.fakes.environments import model, two_models
from tests.fakes.metrics import SOURCES, FakeOrigins, FakeReader

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
BLUE, GREEN = Serving(Slot.BLUE, 1), Serving(Slot.GREEN, 2)


def environment(engine: str = "simulator") -> Environment:
    """Two models of which `chat` has this engine."""
    changed = model(engine=Engine(name=engine, version="1", image="example/image"))  # type: ignore[arg-type]
    return msgspec.structs.replace(two_models(), models={"chat": changed, "french": model()})


def target(*releases: Serving, live: Serving | None = BLUE) -> Target:
    """`chat` with these releases."""
    return Target(model="chat", sources=SOURCES, releases=releases, live=live)


def summary(reader: FakeReader, *found: Target, engine: str = "simulator") -> Summary:
    """The last ten minutes."""
    return summarise(environment(engine), found, reader, window(NOW, 600, 60))


def value(row: Row, name: str) -> float | None:
    """A measure's value."""
    return row.measures[name].value


def dimension(line: Line, name: str) -> str | None:
    """A dimension of a line's first term."""
    return dict(line.terms[0].dimensions).get(name)


def test_a_model_and_its_releases_have_a_row_each() -> None:
    """The model first, then its releases; the live one is marked, and each has what is told apart by it."""
    found = summary(FakeReader(lambda line: 1.0), target(BLUE, GREEN))
    assert [(row.slot, row.release, row.live) for row in found.rows] == [
        (None, None, False),
        (Slot.BLUE, 1, True),
        (Slot.GREEN, 2, False),
    ]
    whole, release, _ = found.rows
    assert {"requests", "errors", "latency_p95", "ttft_p50", "tokens_generated", "replicas"} <= set(
        whole.measures
    )
    assert "replicas" not in release.measures
    assert whole.measures["latency_p95"].unit is Unit.SECONDS
    assert len(whole.measures["requests"].points) == 10


def test_all_is_read_in_two_questions() -> None:
    """One for the series and one for the totals, however many models and releases there are."""
    reader = FakeReader(lambda line: 1.0)
    summary(reader, target(BLUE, GREEN))
    assert sorted(period for _, _, _, period in reader.asked) == [60, 600]
    first, second = reader.asked
    assert first[0] == second[0]


def test_totals_are_of_the_whole_window_and_states_the_newest() -> None:
    """Percentiles of minutes can't be averaged; a replica that was there an hour ago counts no more."""

    class Reader(FakeReader):
        def _points(self, line: Line, times: object) -> tuple[Point, ...]:
            assert isinstance(times, list)
            return tuple(Point(time, float(number + len(times))) for number, time in enumerate(times))

    whole = summary(Reader(lambda line: None), target(BLUE)).rows[0]
    assert value(whole, "latency_p95") == 1.0  # the only point of the question for totals
    assert value(whole, "replicas") == 19.0  # the last of ten points of the series


def test_a_release_without_any_data_is_left_out_unless_it_is_live() -> None:
    """A release that only had its name listed is no news; that the live one is silent is."""
    found = summary(FakeReader(lambda line: None), target(BLUE, GREEN))
    assert [row.release for row in found.rows] == [None, 1]


def test_an_engine_that_tells_no_latency_shows_the_balancers() -> None:
    """Time until the answer begins is better than nothing, if it is said."""
    row = summary(FakeReader(lambda line: 2.0), target(), engine="openai").rows[0]
    assert row.measures["latency_p95"].value == 2.0
    assert "ttft_p50" not in row.measures
    assert row.note == "the engine openai tells no latency: it is the time until an answer begins"


def test_missing_numbers_are_explained() -> None:
    """Nothing measured is None and not zero, and the reason is said."""

    def only(*namespaces: str, number: float) -> FakeReader:
        return FakeReader(lambda line: number if line.terms[0].namespace in namespaces else None)

    nothing = summary(FakeReader(lambda line: None), target(BLUE)).rows[0]
    assert (value(nothing, "requests"), nothing.note) == (None, "no metrics in this time")
    idle = summary(only("AWS/AutoScaling", number=2.0), target(BLUE)).rows[0]
    assert idle.note == "no requests in this time"
    asleep = summary(only("AWS/AutoScaling", number=0.0), target(BLUE)).rows[0]
    assert asleep.note == "no requests in this time, no replica in service"
    unheard = summary(only("AWS/AutoScaling", "AWS/ApplicationELB", number=2.0), target(BLUE)).rows[0]
    assert unheard.note == "the replicas have published no metrics in this time"
    assert summary(FakeReader(lambda line: 1.0), target(live=None)).rows[0].note == "no release is live"


def test_every_measure_can_be_had() -> None:
    """A misspelt figure or label would be a column that is never filled."""
    priced = msgspec.structs.replace(
        environment(),
        models={"chat": msgspec.structs.replace(environment().models["chat"], instances=PRICED)},
    )
    row = summarise(priced, [target()], FakeReader(lambda line: 1.0), window(NOW, 600, 60)).rows[0]
    assert set(row.measures) >= set(MEASURES) - {"gpu"}


PRICED = msgspec.convert(
    {"types": ["g5.xlarge"], "zones": ["us-east-1a"], "price": {"on_demand": 1, "spot": 0.5}},
    type=type(model().instances),
)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_releases_add_up_to_what_the_reader_says(blue: float, green: float) -> None:
    """Numbers are passed on as they are: rows of releases add up to the model exactly as the metrics do."""

    def tell(line: Line) -> float:
        return {"blue": blue, "green": green}.get(dimension(line, "slot") or "", blue + green)

    whole, *releases = summary(FakeReader(tell), target(BLUE, GREEN)).rows
    for name in ("requests", "tokens_generated"):
        assert value(whole, name) == sum(value(row, name) or 0 for row in releases)


def test_targets_are_what_is_deployed() -> None:
    """Of the models asked for, those that AWS knows; the live release first, whether or not it published."""
    runtime = FakeRuntime(live_by_model={"chat": Live(slot=Slot.BLUE, release=1, since=START)})
    reader = FakeReader(lambda line: None, published={"chat": frozenset({GREEN, BLUE})})
    found = targets(["chat", "french"], FakeOrigins({"chat": SOURCES}), runtime, reader)
    assert [(each.model, each.releases, each.live) for each in found] == [("chat", (BLUE, GREEN), BLUE)]
    (new,) = targets(["french"], FakeOrigins({"french": SOURCES}), runtime, reader)
    assert (new.releases, new.live) == ((), None)


def test_windows_are_asked_for_as_they_are() -> None:
    """The reader is asked from the window's beginning to its end."""
    reader = FakeReader(lambda line: None)
    summary(reader, target())
    assert {(since, until) for _, since, until, _ in reader.asked} == {(NOW - timedelta(minutes=10), NOW)}
