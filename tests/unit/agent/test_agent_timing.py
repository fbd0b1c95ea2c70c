"""Times of requests: what is the first token, how a request ends, and how reports reach the agent."""

import asyncio
import json
import os
from itertools import pairwise

import pytest

from infra.agent import catalogue
from infra.agent.config import Monitoring
from infra.agent.machine import Action, Phase, State
from infra.agent.telemetry import requests
from infra.agent.telemetry.life import Life
from infra.agent.telemetry.meter import Meter
from infra.agent.timing import Outcome, Report, Timing
from infra.agent.timing_pipe import Outlet, receive
from tests.unit.agent.pages import config, launch


def event(**chunk: object) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def delta(**said: object) -> bytes:
    """An event of a chat."""
    return event(choices=[{"index": 0, "delta": said}])


def stream(*events: tuple[float, bytes], status: int = 200) -> Report:
    """A request at 10.0 that is answered by a stream of events at given times, and ends with the last."""
    timing = Timing(10.0)
    timing.answered(status, stream=True)
    for at, data in events:
        timing.said(data, at)
    timing.completed(events[-1][0])
    return timing.report(99.0)


def test_the_opening_of_a_chat_is_no_token() -> None:
    """Time to the first token ends with the first output, as clients see it."""
    found = stream((10.5, delta(role="assistant", content="")), (11.0, delta(content="Hi")), (12.0, b""))
    assert found == Report(outcome=Outcome.ANSWERED, duration=2.0, first_token=1.0)


@pytest.mark.parametrize("kind", ["content", "reasoning_content", "reasoning", "refusal", "tool_calls"])
def test_any_output_is_a_token(kind: str) -> None:
    """Thoughts and tool calls are output, too."""
    assert stream((11.0, delta(**{kind: ["x"]}))).first_token == 1.0


def test_time_per_token_is_by_the_engines_own_count() -> None:
    """An event may hold several tokens; those after the first took from the first event to the last."""
    usage = event(choices=[], usage={"completion_tokens": 5})
    said = ((11.0, delta(content="a")), (13.0, delta(content="b c d e")), (20.0, usage + b"data: [DONE]\n\n"))
    found = stream(*said)
    assert (found.per_token, found.duration) == (0.5, 10.0)


def test_without_a_count_events_with_output_are_counted() -> None:
    """Clients need not ask for usage."""
    found = stream(*((11.0 + number, event(choices=[{"text": "x"}])) for number in range(3)))
    assert found.per_token == 1.0


def test_events_may_arrive_in_pieces() -> None:
    """The network cuts where it likes: a token is there when its event is."""
    whole = delta(content="Hi")
    assert stream((11.0, whole[:9]), (12.0, whole[9:]), (13.0, delta(content="!"))).first_token == 2.0


def test_what_is_no_event_is_passed_over() -> None:
    """Comments, numbers and broken JSON make no token and no failure."""
    found = stream((11.0, b": ping\n\ndata: 7\n\ndata: {\n\ndata: [DONE]\n\n"), (12.0, b""))
    assert found == Report(outcome=Outcome.ANSWERED, duration=2.0)


def test_a_stream_with_an_error_failed() -> None:
    """The status was sent before the engine knew."""
    found = stream((11.0, delta(content="Hi")), (12.0, event(error={"message": "out of memory"})))
    assert found == Report(outcome=Outcome.SERVER_ERROR, duration=2.0)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, Outcome.ANSWERED), (404, Outcome.CLIENT_ERROR), (500, Outcome.SERVER_ERROR)],
)
def test_a_whole_answer_has_a_duration_only(status: int, outcome: Outcome) -> None:
    """Nothing of its body is read."""
    timing = Timing(10.0)
    timing.answered(status, stream=False)
    timing.said(delta(content="Hi"), 11.0)
    timing.completed(12.0)
    assert timing.report(99.0) == Report(outcome=outcome, duration=2.0)


def test_who_ended_an_answer_is_told_apart() -> None:
    """A client that leaves is no failure of the server's; an engine that breaks off is."""
    left, cut = Timing(10.0), Timing(10.0)
    for each in (left, cut):
        each.answered(200, stream=True)
    left.left()
    assert (left.report(11.0).outcome, cut.report(11.0).outcome) == (Outcome.ABORTED, Outcome.SERVER_ERROR)


def test_reports_arrive_and_losses_are_told() -> None:
    """An agent that doesn't read holds nothing up: what is too much is dropped, and counted."""
    report = Report(outcome=Outcome.ANSWERED, duration=1.5, first_token=0.5, per_token=0.01)
    there, here = os.pipe()
    many = 5000

    async def send() -> None:
        outlet = Outlet(here, limit=10)
        for _ in range(many):
            outlet.give(report)
        reading = asyncio.create_task(asyncio.to_thread(read))
        while outlet.lost:
            await asyncio.sleep(0)
        os.close(here)
        await reading

    taken: list[Report] = []
    lost: list[int] = []

    def read() -> None:
        with os.fdopen(there, "rb") as lines:
            receive(lines, taken.append, lost.append)

    asyncio.run(send())
    assert set(taken) == {report}
    assert lost
    assert len(taken) + sum(lost) == many


def test_a_report_that_makes_no_sense_counts_as_lost() -> None:
    """Both ends are one release; if they ever disagree, it shows."""
    lost: list[int] = []
    receive([b"{\n", b'{"outcome": "fine"}\n', b"[]\n"], lambda report: None, lost.append)
    assert lost == [1, 1, 1]


def served() -> Meter:
    """The meter of a healthy replica whose requests are timed."""
    meter = Meter(config(launch(timed=True, readings=()), Monitoring()), Life(None, 0.0, cold=False))
    meter.saw(State(), State(phase=Phase.HEALTHY), (Action.START_ENGINE,), 1.0)
    return meter


def test_requests_become_figures() -> None:
    """Every request counts, by its end; times are those of complete answers, to three digits."""
    meter = served()
    meter.timed(Report(outcome=Outcome.ANSWERED, duration=1.23456, first_token=0.5, per_token=0.010001), 2.0)
    for outcome in (Outcome.CLIENT_ERROR, Outcome.SERVER_ERROR, Outcome.ABORTED):
        meter.timed(Report(outcome=outcome, duration=0.001), 2.0)
    taken = meter.take(3.0).serving
    assert {name: taken.counts[name] for name in ("Requests", "ClientErrors", "ServerErrors", "Aborted")} == {
        "Requests": 4,
        "ClientErrors": 1,
        "ServerErrors": 1,
        "Aborted": 1,
    }
    assert taken.last("Latency") == {1.23: 1.0}
    assert taken.last("TimeToFirstToken") == {0.5: 1.0}
    assert taken.last("TimePerOutputToken") == {0.01: 1.0}


def test_no_requests_are_zero_requests() -> None:
    """Zero is told, so that a rate of nothing isn't taken for silence."""
    taken = served().take(3.0).serving
    assert all(taken.counts[name] == 0 for name in ("Requests", "ClientErrors", "ServerErrors", "Aborted"))


def test_lost_reports_count_as_unread_figures() -> None:
    """Figures that miss requests are worse than none: the alarm on unread metrics looks at it."""
    meter = served()
    meter.unreported(7)
    assert meter.take(3.0).serving.counts[catalogue.SCRAPE_FAILURES.name] == 1


def test_buckets_for_prometheus_are_narrow_and_complete() -> None:
    """Every bound is there from the start: replicas' histograms can be added up."""
    bounds = requests.BOUNDS
    assert list(bounds) == sorted(set(bounds))
    assert all(high / low < 1.3 for low, high in pairwise(bounds[:-1]))
    meter = served()
    meter.timed(Report(outcome=Outcome.ANSWERED, duration=0.11), 2.0)
    histogram = meter.view().totals.histograms["Latency"]
    assert len(histogram.buckets) == len(bounds)
    assert [bucket for bucket, count in histogram.buckets.items() if count] == [(0.1, 0.125)]
