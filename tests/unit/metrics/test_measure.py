"""What two releases did, from CloudWatch's lines to the judge's terms."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from infra.environment.model import Engine, Environment
from infra.environment.monitoring import Monitoring
from infra.environment.slots import Slot
from infra.metrics.measure import ReleaseMetrics
from infra.observability.types import Line
from infra.rollout.measured import Window
from tests.fakes.cluster import a_plan
from tests.fakes.environments import two_models
from tests.fakes.metrics import SOURCES, FakeOrigins, FakeReader

PLAN = a_plan()
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
WINDOW = Window(since=NOON + 3, until=NOON + 62)


def environment(engine: Engine, interval: str = "5s", *, exact: bool = True) -> Environment:
    """One with models on this engine."""
    made = two_models("env-measure")
    models = {name: msgspec.structs.replace(each, engine=engine) for name, each in made.models.items()}
    monitoring = Monitoring(interval=interval, times="proxy" if exact else "engine")
    return msgspec.structs.replace(made, models=models, monitoring=monitoring)


def metrics(
    value: Callable[[Line], float | None], *, interval: str = "5s", exact: bool = True
) -> tuple[ReleaseMetrics, FakeReader]:
    """Over a reader that answers each line so."""
    reader = FakeReader(value)
    made = environment(Engine(name="simulator", version="1"), interval, exact=exact)
    return ReleaseMetrics(reader, FakeOrigins({"chat": SOURCES}), made, "chat"), reader


def by_label(line: Line) -> float | None:
    """Ten requests a period, one of them failed, 30 tokens in 6 seconds of work, times of 1 to 2 seconds."""
    known = {"requests": 10.0, "errors": 1.0, "failures": 0.0, "tokens": 30.0, "worked": 6.0}
    if line.label in known:
        return known[line.label]
    _, _, rung = line.label.partition(" ")
    return 10.0 if rung == "count" else 1.0 + float(rung) / 100


def test_counts_are_summed_over_the_window() -> None:
    """Ten whole periods of five seconds: nothing of before the weight's arrival, nothing that still fills."""
    measured, reader = metrics(by_label)
    found = measured.measure(PLAN, WINDOW)
    # The first publication after noon + 3 s is about time before it too.
    assert found.window == Window(since=NOON + 10, until=NOON + 60)
    assert (found.new.requests, found.new.errors, found.new.engine_failures) == (100, 10, 0)
    assert reader.asked[0][3] == 5


def test_each_release_is_asked_for_by_its_own_dimensions() -> None:
    """Slot and release of the plan, the old one's first."""
    measured, reader = metrics(by_label)
    measured.measure(PLAN, WINDOW)
    lines = [line for line in reader.asked[0][0] if line.label == "requests"]
    places = [dict(line.terms[0].dimensions) for line in lines]
    assert [(place["slot"], place["release"]) for place in places] == [("blue", "1"), ("green", "2")]


def test_distributions_of_periods_are_mixed() -> None:
    """All samples of the window count, each period's by how many it has."""
    measured, _ = metrics(by_label)
    latency = measured.measure(PLAN, WINDOW).new.times["latency"]
    assert latency.count == 100
    assert dict(latency.ladder)[95.0] == pytest.approx(1.95, abs=0.02)


def test_speed_is_tokens_for_the_time_of_work() -> None:
    """Thirty tokens in six seconds that requests were worked on: five a second, however many replicas."""
    measured, _ = metrics(by_label)
    assert measured.measure(PLAN, WINDOW).new.speeds == (5.0,) * 10


def test_what_nobody_tells_is_none() -> None:
    """Not zero."""
    measured, _ = metrics(lambda line: None)
    found = measured.measure(PLAN, WINDOW)
    assert (found.new.requests, found.new.errors, found.new.engine_failures) == (None, None, None)
    assert not found.new.times
    assert not found.new.speeds


def test_a_window_without_a_whole_period_measures_nothing() -> None:
    """And asks nobody."""
    measured, reader = metrics(by_label)
    assert measured.measure(PLAN, replace(WINDOW, until=NOON + 9)).new.requests is None
    assert not reader.asked


def test_minutes_are_left_out_likewise() -> None:
    """With replicas that publish once a minute, the first whole minute after the first publication counts."""
    measured, _ = metrics(by_label, interval="60s")
    found = measured.measure(PLAN, Window(since=NOON + 3, until=NOON + 303))
    assert found.window == Window(since=NOON + 120, until=NOON + 300)


def test_errors_and_requests_come_from_one_source() -> None:
    """An engine that doesn't count its errors leaves both to the balancer, whose silence is zero."""
    measured, reader = metrics(lambda line: None if line.label == "errors" else by_label(line), exact=False)
    made = environment(Engine(name="llama.cpp", version="server"), exact=False)
    measured = ReleaseMetrics(reader, FakeOrigins({"chat": SOURCES}), made, "chat")
    found = measured.measure(PLAN, Window(since=NOON, until=NOON + 130))
    asked = [line for line in reader.asked[0][0] if line.label in ("requests", "errors")]
    assert {term.namespace for line in asked for term in line.terms} == {"AWS/ApplicationELB"}
    assert {dict(line.terms[0].dimensions)["TargetGroup"] for line in asked} == {
        SOURCES.target_groups[Slot.BLUE],
        SOURCES.target_groups[Slot.GREEN],
    }
    assert reader.asked[0][3] == 60
    assert (found.new.requests, found.new.errors) == (20, 0)
