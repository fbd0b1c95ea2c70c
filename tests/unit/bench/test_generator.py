"""The open loop, in virtual time: exact, and without waiting."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import repeat

import pytest

from infra.bench.generator import OpenLoop, Progress, Run
from infra.bench.prompts import Prompt
from infra.bench.sample import Kind, Sample
from infra.bench.schedule import Arrivals, plan
from infra.bench.summary import distribution
from tests.unit.bench.virtual_time import run

Serve = Callable[[float], Awaitable[str | None]]
"""A server: takes the moment of a request, returns when it has answered; a text is a failure's kind."""


def measure(
    serve: Serve,
    *,
    rate: float = 10.0,
    warmup: float = 0.0,
    duration: float = 10.0,
    timeout: float = 60.0,
    max_in_flight: int | None = None,
    stop_at: float | None = None,
    watch: Callable[[Progress], None] = lambda progress: None,
) -> Run:
    """A run against a server."""

    async def exchange(prompt: Prompt, sample: Sample, start: float) -> None:
        loop = asyncio.get_running_loop()
        sample.sent = loop.time() - start
        sample.failure = await serve(sample.sent)
        sample.finished = loop.time() - start

    async def main() -> Run:
        stop = asyncio.Event()
        if stop_at is not None:
            asyncio.get_running_loop().call_later(stop_at, stop.set)
        loop = OpenLoop(
            exchange=exchange,
            schedule=plan(
                Arrivals.CONSTANT, rate=rate, warmup=warmup, duration=duration, requests=None, seed=1
            ),
            prompts=repeat(Prompt("hi", 1)),
            timeout=timeout,
            max_in_flight=max_in_flight,
            watch=watch,
        )
        return await loop.run(stop)

    return run(main())


async def slow(moment: float) -> None:
    """Answers after five seconds."""
    await asyncio.sleep(5)


def stalling(begin: float, end: float) -> Serve:
    """A server that answers in 10 ms, but not at all between two moments."""

    async def serve(moment: float) -> None:
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(0.01 + (end - now if begin <= now < end else 0))

    return serve


def test_requests_leave_when_due_whatever_the_answers_do() -> None:
    """The loop is open: a slow server gets as many requests as a quick one, at the same moments."""
    result = measure(slow)
    assert [sample.sent for sample in result.samples] == pytest.approx(
        [number / 10 for number in range(100)], abs=1e-6
    )
    assert all(sample.succeeded for sample in result.samples)
    assert result.elapsed == pytest.approx(9.9 + 5)


def test_a_stall_shows_in_every_percentile_that_it_touches() -> None:
    """A server that stalls 1 s of 10 delays a tenth of the requests; from 0 to 1 s, evenly."""
    samples = measure(stalling(2, 3), rate=100).samples
    times = distribution(s.finished - s.scheduled for s in samples if s.finished is not None)
    assert times is not None
    assert times.p50 == pytest.approx(0.01, abs=1e-6)
    assert times.p95 == pytest.approx(0.5, abs=0.02)
    assert times.max == pytest.approx(1.01, abs=0.02)


def test_a_limit_on_requests_in_flight_hides_nothing_from_the_schedule() -> None:
    """One at a time, as in a closed loop, only one request meets the stall; the schedule knows the rest."""
    samples = measure(stalling(2, 3), rate=50, max_in_flight=1).samples
    from_send = distribution(s.finished - s.sent for s in samples if s.finished and s.sent is not None)
    from_schedule = distribution(s.finished - s.scheduled for s in samples if s.finished)
    assert from_send is not None
    assert from_schedule is not None
    assert from_send.p99 == pytest.approx(0.01, abs=1e-6)
    assert from_schedule.p90 > 0.5
    assert sum(sample.held_back for sample in samples) > 50


def test_warm_up_is_sent_and_marked() -> None:
    """Cold caches and connections are not what is measured."""
    samples = measure(slow, warmup=2, duration=3).samples
    assert [sample.warmup for sample in samples] == [True] * 20 + [False] * 30


def test_the_drain_ends_with_the_time_out() -> None:
    """A server that never answers, behind a limit, must not keep the run going for ever."""

    async def never(moment: float) -> None:
        await asyncio.Event().wait()

    result = measure(never, rate=10, duration=1, timeout=5, max_in_flight=2)
    kinds = [sample.failure for sample in result.samples]
    assert kinds == [Kind.TIMEOUT] * 2 + [Kind.NOT_SENT] * 8
    assert result.elapsed == pytest.approx(7)
    assert not result.interrupted


def test_an_interrupt_keeps_what_was_measured() -> None:
    """Ctrl-C after 7 s: the answers so far count, those in flight are neither good nor bad."""
    result = measure(slow, stop_at=7.05)
    assert result.interrupted
    assert len(result.samples) == 71
    assert sum(sample.succeeded for sample in result.samples) == 21
    assert all(sample.failure is None for sample in result.samples)


def test_progress_tells_stage_rate_and_failures() -> None:
    """What people watch: it must add up to what is reported in the end."""

    async def flaky(moment: float) -> str | None:
        return "http-500" if moment >= 3 else None

    seen: list[Progress] = []
    measure(flaky, warmup=1, duration=4, watch=seen.append, stop_at=4.9)
    assert [progress.stage for progress in seen[:3]] == ["warm-up", "measuring", "measuring"]
    assert seen[2].rate == pytest.approx(10)
    assert seen[2].failures == {}
    last = seen[-1]
    assert (last.sent, last.in_flight) == (45, 0)
    assert sum(last.failures.values()) == 15


def test_a_bug_in_the_exchange_is_not_a_failure_of_the_server() -> None:
    """It ends the run instead of colouring its figures."""

    async def broken(moment: float) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        measure(broken, duration=1)
