"""Golden prompts beside a rollout: scores and traffic that the gates would otherwise lack.

`GoldenMetrics` wraps the rollout's metrics. From the first question on, a thread asks both releases the
golden prompts and has the answers scored; afterwards, if the file says so, it asks them again and again at
the capped rate, so that a model with little traffic can be judged at all. It decides nothing, and whatever
goes wrong in it is told and left out: the gates then have no data, and say so.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.environment.rollout import Golden
from infra.environment.slots import Slot
from infra.quality.client import Ask, AskError, Endpoint
from infra.quality.evaluate import evaluate
from infra.quality.pacing import Pace
from infra.quality.prompts import GoldenPrompt, load
from infra.quality.scorers import place_of, scorable
from infra.quality.scoring import Scorer
from infra.quality.tools import Tools, tools
from infra.rollout.measured import Measured, Measurements, Window
from infra.rollout.ports import Metrics
from infra.rollout.types import Plan

SCORING_RATE = 5.0
"""Prompts a second to each release while they are scored: done well before a step has baked."""
AT_ONCE = 8
_IDLE_SECONDS = 30.0
"""Nobody has measured for so long: nothing bakes, so the replay ends until somebody does."""
_STOP_SECONDS = 5.0
_TRIES = 3
"""Of a thread that failed as a whole; what fails for one prompt is no such failure."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is to be done for a rollout."""

    prompts: tuple[GoldenPrompt, ...]
    """What is replayed."""
    scored: tuple[GoldenPrompt, ...]
    """What is scored; empty: nothing."""
    replay: float | None
    """Requests a second to each release; None: no replay."""


class GoldenMetrics:
    """Implements `rollout.ports.Metrics`. Close it, or use it as a context manager, when the driving ends."""

    def __init__(
        self,
        inner: Metrics,
        work: Work,
        tools: Callable[[], AbstractAsyncContextManager[Tools]],
        *,
        now: Callable[[], float] = time.time,
        note: Callable[[str], None] | None = None,
    ) -> None:
        """`tools` opens the connections, in the thread's loop; `note` is told, there, what failed."""
        self._inner = inner
        self._work = work
        self._tools = tools
        self._now = now
        self._note = note
        self._born = now()
        self._lock = threading.Lock()
        self._closed = False
        self._plan = ""
        self._asked_at = self._born
        self._failures = 0
        self._scores: Mapping[Slot, Mapping[str, float]] | None = None
        self._sent: dict[Slot, list[float]] = {slot: [] for slot in Slot}
        self._thread: threading.Thread | None = None
        self._cancel: Callable[[], object] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def measure(self, plan: Plan, window: Window) -> Measurements:
        """What the wrapped metrics say, with the scores as soon as all are there."""
        self._attend(plan)
        return self._completed(plan, self._inner.measure(plan, window))

    def close(self) -> None:
        """Stop asking, now. Measuring goes on, with what scores there are."""
        with self._lock:
            self._closed = True
            thread, cancel = self._thread, self._cancel
            if cancel:
                cancel()
        if thread:
            thread.join(_STOP_SECONDS)

    def _attend(self, plan: Plan) -> None:
        """See that the thread is at work, if there is any."""
        with self._lock:
            self._asked_at = self._now()
            if plan.id != self._plan:
                self._plan, self._scores, self._failures = plan.id, None, 0
                if self._cancel:
                    self._cancel()
            unscored = bool(self._work.scored) and self._scores is None
            wanted = (unscored or self._work.replay) and self._failures < _TRIES
            if self._closed or self._thread or not wanted:
                return
            self._thread = threading.Thread(
                target=self._run, args=(plan,), name=f"golden prompts of {plan.model}", daemon=True
            )
            self._thread.start()

    def _completed(self, plan: Plan, found: Measurements) -> Measurements:
        with self._lock:
            scores = self._scores or {}
            return replace(
                found,
                old=self._with(found.old, plan.old_slot, found.window, scores),
                new=self._with(found.new, plan.new_slot, found.window, scores),
            )

    def _with(
        self,
        measured: Measured,
        slot: Slot,
        window: Window,
        scores: Mapping[Slot, Mapping[str, float]],
    ) -> Measured:
        # A driver before this one may have sent some as well.
        known = window.since >= self._born
        # Windows of a rollout only begin later and later.
        self._sent[slot] = [at for at in self._sent[slot] if at >= window.since]
        sent = sum(at < window.until for at in self._sent[slot])
        return replace(measured, scores=scores.get(slot, {}), direct=sent if known else None)

    def _run(self, plan: Plan) -> None:
        try:
            asyncio.run(self._serve(plan))
        except asyncio.CancelledError:
            pass
        except Exception as error:  # noqa: BLE001 - the thread's outermost: it must not end a rollout
            self._failures += 1
            self._tell(f"golden prompts: {error}")
        finally:
            with self._lock:
                self._thread = None

    async def _serve(self, plan: Plan) -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        with self._lock:
            if self._closed:
                return
            self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            await self._work_on(plan)
        finally:
            with self._lock:
                self._cancel = None  # while its loop still runs: a closed one can't be called

    async def _work_on(self, plan: Plan) -> None:
        slots = (plan.new_slot,) if plan.asleep else (plan.old_slot, plan.new_slot)
        async with self._tools() as tools:
            ask = self._counting(tools.ask)
            if tools.scorer is not None and self._work.scored and self._scores is None:
                await self._score(plan, slots, ask, tools.scorer)
            if self._work.replay:
                await self._replay(slots, ask, self._work.replay)

    async def _score(self, plan: Plan, slots: Sequence[Slot], ask: Ask, scorer: Scorer) -> None:
        pace = Pace(at_once=AT_ONCE, rate=SCORING_RATE)
        cases = await evaluate(self._work.scored, slots, ask, scorer, pace=pace)
        scores = {
            slot: {case.prompt.id: case.scores[slot] for case in cases if slot in case.scores}
            for slot in slots
        }
        with self._lock:
            if plan.id == self._plan:
                self._scores = scores
        if left_out := [case for case in cases if len(case.scores) < len(slots)]:
            why = next(iter(left_out[0].errors.values()), left_out[0].unscored)
            self._tell(f"{len(left_out)} of {len(cases)} golden prompts lack a score; the first: {why}")

    async def _replay(self, slots: Sequence[Slot], ask: Ask, rate: float) -> None:
        """Ask on and on, whatever the answers: what fails is counted where all requests are."""
        running: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            for prompt in cycle(self._work.prompts):
                if self._now() - self._asked_at > _IDLE_SECONDS:
                    return
                # A release that answers slowly is asked less often, not by ever more at once.
                if len(running) < AT_ONCE * len(slots):
                    for slot in slots:
                        task = group.create_task(_unheard(ask, slot, prompt))
                        running.add(task)
                        task.add_done_callback(running.discard)
                await asyncio.sleep(1 / rate)

    def _counting(self, ask: Ask) -> Ask:
        async def counted(slot: Slot, prompt: GoldenPrompt) -> str:
            try:
                return await ask(slot, prompt)
            finally:
                with self._lock:
                    self._sent[slot].append(self._now())

        return counted

    def _tell(self, text: str) -> None:
        if self._note:
            self._note(text)


async def _unheard(ask: Ask, slot: Slot, prompt: GoldenPrompt) -> None:
    with suppress(AskError):
        await ask(slot, prompt)


def work_of(golden: Golden, file: Path) -> Work:
    """What the environment's `file` says is to be done. Raises `Refused` for prompts that can't be used."""
    path = file.parent / golden.prompts
    prompts = load(path)
    scored = scorable(golden.quality.scorer, prompts, str(path)) if golden.quality else ()
    return Work(prompts=prompts, scored=scored, replay=golden.replay)


def check(golden: Golden, file: Path, variables: Mapping[str, str]) -> None:
    """Raise `Refused` for what would keep a rollout from being scored; to be asked before it begins."""
    work_of(golden, file)
    if golden.quality:
        place_of(golden.quality, variables)


def beside(
    inner: Metrics,
    golden: Golden,
    *,
    file: Path,
    endpoint: Endpoint,
    variables: Mapping[str, str],
    note: Callable[[str], None] | None = None,
) -> GoldenMetrics:
    """A rollout's metrics with the golden prompts of its model, as the environment's `file` has them.

    `endpoint` is the model's, as its clients know it; `variables` hold the scorer's key. Raises `Refused`,
    before anything is asked, for prompts or a scorer that can't be used.
    """
    opened = tools(endpoint, golden.quality, variables)
    return GoldenMetrics(inner, work_of(golden, file), opened, note=note)
