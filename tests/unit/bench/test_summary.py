"""Samples to report."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.bench.generator import Run
from infra.bench.objective import parse
from infra.bench.report import Release, Report, Settings, Target
from infra.bench.sample import Kind, Sample
from infra.bench.schedule import Arrivals, Schedule
from infra.bench.summary import distribution, percentile, summarise

SETTINGS = Settings(
    rate=10,
    arrivals=Arrivals.CONSTANT,
    warmup=1,
    duration=10,
    requests=None,
    prompts="built-in",
    max_tokens=64,
    stream=True,
    timeout=60,
    seed=1,
    max_in_flight=None,
    group_by=None,
    objectives=(),
)
TARGET = Target(url="http://host/v1", model="chat")
BLUE = Release(slot="blue", release=3, weight=95)
GREEN = Release(slot="green", release=4, weight=5)


def answer(scheduled: float, *, lag: float = 0.0, group: str | None = None, usage: bool = True) -> Sample:
    """First token after 0.1 s, ten more in 1 s; a stall of 0.5 s."""
    sent = scheduled + lag
    return Sample(
        scheduled=scheduled,
        warmup=scheduled < 1,
        sent=sent,
        first_token=sent + 0.1,
        last_token=sent + 1.1,
        finished=sent + 1.2,
        longest_gap=0.5,
        chunks=11,
        prompt_tokens=5 if usage else None,
        completion_tokens=21 if usage else None,
        group=group,
    )


def failure(scheduled: float, kind: str = Kind.RESET, detail: str = "") -> Sample:
    """A quick failure."""
    moment = scheduled + 0.001
    return Sample(scheduled=scheduled, sent=scheduled, finished=moment, failure=kind, detail=detail)


def report(
    *samples: Sample,
    settings: Settings = SETTINGS,
    target: Target = TARGET,
    elapsed: float = 12.0,
    interrupted: bool = False,
) -> Report:
    """The report of a run of 1 s of warm-up and 10 s."""
    schedule = Schedule(tuple(sample.scheduled for sample in samples), 1.0, 11.0)
    run = Run(samples, elapsed, interrupted)
    return summarise(run, schedule, settings, target, started="2026-01-01T00:00:00+00:00")


def test_percentiles_are_by_nearest_rank() -> None:
    """The textbook's example: each is a value that occurred."""
    values = [15.0, 20.0, 35.0, 40.0, 50.0]
    assert [percentile(values, percent) for percent in (5, 30, 40, 50, 100)] == [15, 20, 20, 35, 50]
    hundred = [float(number) for number in range(1, 101)]
    assert [percentile(hundred, percent) for percent in (50, 90, 95, 99)] == [50, 90, 95, 99]


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_a_percentile_bounds_its_share(values: list[float]) -> None:
    """At least so many percent are not above it, and fewer are below it."""
    ordered = sorted(values)
    for percent in (50, 90, 95, 99):
        found = percentile(ordered, percent)
        assert sum(value <= found for value in values) * 100 >= percent * len(values)
        assert sum(value < found for value in values) * 100 < percent * len(values)


def test_nothing_has_no_distribution() -> None:
    """Zero would be a lie."""
    assert distribution([]) is None


def test_times_count_from_the_schedule_and_from_the_send() -> None:
    """Our own lag is in the first, apart from the second, and shown by itself."""
    result = report(answer(2, lag=0.3))
    assert result.ttft.from_schedule is not None
    assert result.ttft.from_send is not None
    assert result.end_to_end.from_schedule is not None
    assert result.schedule_delay is not None
    assert result.tpot is not None
    assert result.stall is not None
    times = (
        result.ttft.from_schedule.p50,
        result.ttft.from_send.p50,
        result.end_to_end.from_schedule.p50,
        result.schedule_delay.p50,
        result.tpot.p50,
        result.stall.p50,
    )
    # 1 s for the 20 tokens after the first, as usage counts them.
    assert times == pytest.approx((0.4, 0.1, 1.5, 0.3, 0.05, 0.5))


def test_warm_up_counts_for_throughput_only() -> None:
    """An answer to the warm-up that ends in the window is work done there, but no sample."""
    result = report(answer(0.5), answer(2), answer(10.9))
    assert (result.warmup_requests, result.requests.scheduled, result.requests.succeeded) == (1, 2, 2)
    assert (result.rate.offered, result.rate.sent, result.rate.achieved) == (0.2, 0.2, 0.2)
    assert (result.tokens.prompt, result.tokens.generated) == (10, 42)
    assert result.tokens.generated_per_second == pytest.approx(4.2)


def test_failures_are_counted_by_kind_and_kept_out_of_the_times() -> None:
    """A quick refusal must not make a server look fast; the first one of each kind is shown."""
    result = report(answer(2), failure(3), failure(4, "http-500", "first"), failure(5, "http-500", "second"))
    assert [(each.kind, each.count, each.example) for each in result.failures] == [
        ("http-500", 2, "first"),
        ("reset", 1, ""),
    ]
    assert result.end_to_end.from_schedule is not None
    assert result.end_to_end.from_schedule.count == 1
    assert result.failed_percent == 75


def test_tokens_say_who_counted() -> None:
    """A chunk is not always a token."""
    assert report(answer(2)).tokens.counted_by == "usage"
    chunks = report(answer(2, usage=False)).tokens
    assert (chunks.counted_by, chunks.prompt, chunks.generated) == ("chunks", None, 11)
    assert report(answer(2), answer(3, usage=False)).tokens.counted_by == "mixed"
    assert report(failure(2)).tokens.counted_by == "none"


def test_an_interrupted_window_ends_at_the_interrupt() -> None:
    """Rates of half a window are per half a window."""
    unfinished = Sample(scheduled=4.5, sent=4.5)
    result = report(answer(2), unfinished, elapsed=5.0, interrupted=True)
    assert (result.window, result.requests.unfinished, result.rate.achieved) == (4.0, 1, 0.25)


def test_an_interrupt_in_the_warm_up_measures_nothing() -> None:
    """And divides by nothing."""
    result = report(answer(0.1), elapsed=0.5, interrupted=True)
    assert (result.window, result.requests.scheduled, result.rate.achieved) == (0.0, 0, 0.0)


def test_good_requests_keep_every_objective() -> None:
    """Failures are not good."""
    settings = replace(SETTINGS, objectives=(parse("ttft=200ms"), parse("tpot=60ms")))
    result = report(answer(2), answer(3, lag=1), failure(4), settings=settings)
    assert result.good is not None
    assert (result.good.share, result.good.rate) == pytest.approx((1 / 3, 0.1))


def test_groups_by_header() -> None:
    """What the responses name is told apart, and what they don't is told too."""
    settings = replace(SETTINGS, group_by="x-release")
    result = report(answer(2, group="3"), answer(3, group="4"), failure(4), settings=settings)
    assert result.grouped_by == "header x-release"
    assert [(group.name, group.succeeded, group.failed) for group in result.groups] == [
        ("(no such header)", 0, 1),
        ("3", 1, 0),
        ("4", 1, 0),
    ]


def test_the_only_release_with_traffic_served_everything() -> None:
    """Known from the environment, if it was so before and after."""
    target = replace(TARGET, releases_before=(BLUE,), releases_after=(BLUE,))
    result = report(answer(2), target=target)
    assert (result.grouped_by, [group.name for group in result.groups]) == ("release", ["blue 3"])
    assert result.warnings == ()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ((BLUE, GREEN), (BLUE, GREEN), "shared the traffic"),
        ((BLUE,), (GREEN,), "moved to other releases"),
        ((BLUE,), (), "could not be read after the run"),
    ],
)
def test_what_can_not_be_told_apart_is_not(
    before: tuple[Release, ...], after: tuple[Release, ...], said: str
) -> None:
    """No answer says which release served it, so there is no breakdown but a warning."""
    result = report(answer(2), target=replace(TARGET, releases_before=before, releases_after=after))
    assert result.groups == ()
    assert said in " ".join(result.warnings)


def test_a_late_generator_warns() -> None:
    """Its own lag is in what it measures."""
    assert report(answer(2, lag=0.001)).warnings == ()
    assert "300 ms at p99" in " ".join(report(answer(2, lag=0.3)).warnings)


def test_requests_that_were_held_back_warn() -> None:
    """Then the wait is by order, and times from the send hide it."""
    held = answer(2, lag=0.3)
    held.held_back = True
    (warning,) = report(held, settings=replace(SETTINGS, max_in_flight=4)).warnings
    assert "--max-in-flight 4 held 1 requests back" in warning


def test_json_and_back() -> None:
    """The documented schema loses nothing."""
    result = report(answer(2), failure(3))
    assert msgspec.json.decode(msgspec.json.encode(result), type=Report) == result
