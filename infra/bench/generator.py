"""Keeps the schedule: starts each request when it is due, whatever became of the earlier ones.

Pacing never awaits an answer. Only `max_in_flight`, if given, holds requests back, and then the wait is in
the figures: it counts as schedule delay and in all that is measured from the schedule.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field

from infra.bench.prompts import Prompt
from infra.bench.sample import Kind, Sample
from infra.bench.schedule import Schedule

_GRACE_SECONDS = 1.0
"""After the last request's time-out, so that it fails by its own and not by the end of the drain."""
_PROGRESS_SECONDS = 0.5

Exchange = Callable[[Prompt, Sample, float], Awaitable[None]]
"""Does one request and fills its sample; the last argument is the run's start in the loop's time."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is."""

    elapsed: float
    """Seconds since the start."""
    schedule: Schedule
    sent: int
    finished: int
    failures: dict[str, int]
    """By kind, the warm-up's included."""
    rate: float
    """Answers per second, failed ones included, since the last progress."""

    @property
    def in_flight(self) -> int:
        """Sent and not finished."""
        return self.sent - self.finished

    @property
    def stage(self) -> str:
        """warm-up, measuring or draining."""
        if self.elapsed < self.schedule.begin:
            return "warm-up"
        return "measuring" if self.elapsed < self.schedule.end else "draining"


@dataclass(frozen=True)
class Run:
    """What came of a schedule."""

    samples: tuple[Sample, ...]
    """In the order of the schedule; up to the interrupt, if there was one."""
    elapsed: float
    """Seconds from the start until the last answer, or the interrupt."""
    interrupted: bool


@dataclass(kw_only=True)
class OpenLoop:
    """Sends `prompts` over `exchange` on a schedule. `timeout` in seconds bounds the drain at the end."""

    exchange: Exchange
    schedule: Schedule
    prompts: Iterator[Prompt]
    timeout: float
    max_in_flight: int | None = None
    watch: Callable[[Progress], None] = lambda progress: None
    _samples: list[Sample] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _sent: int = 0
    _finished: int = 0
    _failures: Counter[str] = field(default_factory=Counter)
    _bug: BaseException | None = None
    """An exchange may not raise; if it does, the run is worth nothing."""

    async def run(self, stop: asyncio.Event) -> Run:
        """Send everything and wait for the answers; when `stop` is set, give up what is in flight."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        work = loop.create_task(self._send_all_and_drain(start))
        others = [loop.create_task(stop.wait()), loop.create_task(self._report(start))]
        try:
            await asyncio.wait((work, *others), return_when=asyncio.FIRST_COMPLETED)
            elapsed, interrupted = loop.time() - start, not work.done()
        finally:
            await _cancel(work, *others, *self._tasks)
        if self._bug is not None:
            raise self._bug
        return Run(tuple(self._samples), elapsed, interrupted)

    async def _send_all_and_drain(self, start: float) -> None:
        loop = asyncio.get_running_loop()
        places = asyncio.Semaphore(self.max_in_flight) if self.max_in_flight else None
        for offset in self.schedule.offsets:
            # Even when late: the requests already due get a turn to be written.
            await asyncio.sleep(max(0.0, start + offset - loop.time()))
            sample = Sample(scheduled=offset, warmup=offset < self.schedule.begin)
            self._samples.append(sample)
            task = loop.create_task(self._send(next(self.prompts), sample, start, places))
            self._tasks.add(task)
            task.add_done_callback(self._forget)
        await self._drain(start)

    async def _send(
        self, prompt: Prompt, sample: Sample, start: float, places: asyncio.Semaphore | None
    ) -> None:
        sample.held_back = places is not None and places.locked()
        async with places or nullcontext():
            self._sent += 1
            await self.exchange(prompt, sample, start)
            self._finished += 1
            if sample.failure:
                self._failures[sample.failure] += 1

    async def _drain(self, start: float) -> None:
        """Every answer, or until the last request's time is up; then the rest has failed.

        A request that was held back and is still unanswered has been due for longer than the time-out.
        """
        if not self._tasks:
            return
        loop = asyncio.get_running_loop()
        deadline = start + self.schedule.end + self.timeout + _GRACE_SECONDS
        await asyncio.wait(tuple(self._tasks), timeout=max(0.0, deadline - loop.time()))
        await _cancel(*self._tasks)
        for sample in self._samples:
            if sample.finished is None:
                sample.failure = Kind.NOT_SENT if sample.sent is None else Kind.TIMEOUT
                sample.detail = "unanswered when the drain ended"
                sample.finished = loop.time() - start

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (bug := task.exception()):
            self._bug = bug

    async def _report(self, start: float) -> None:
        loop = asyncio.get_running_loop()
        before, finished = loop.time(), 0
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            now = loop.time()
            rate = (self._finished - finished) / (now - before)
            self.watch(
                Progress(
                    elapsed=now - start,
                    schedule=self.schedule,
                    sent=self._sent,
                    finished=self._finished,
                    failures=dict(self._failures),
                    rate=rate,
                )
            )
            before, finished = now, self._finished


async def _cancel(*tasks: asyncio.Task[object]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
