"""Golden prompts beside a rollout: scores when all are there, replay while somebody measures, no fault."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from infra.environment.rollout import Golden, Quality
from infra.environment.slots import Market, Slot
from infra.errors import Refused
from infra.quality.client import Ask, AskError, Endpoint
from infra.quality.golden import GoldenMetrics, Work, beside, check
from infra.quality.prompts import GoldenPrompt
from infra.quality.scoring import Pointwise
from infra.quality.texts import exact
from infra.quality.tools import Tools
from infra.rollout.measured import Measured, Measurements, Window
from infra.rollout.types import Plan, Size, Step

PROMPTS = tuple(GoldenPrompt(id=name, ask="Why?", reference="yes") for name in "abc")
WINDOW = Window(since=100.0, until=200.0)
SECONDS = 10.0
"""How long a test waits for a thread at most."""
PLAN = Plan(
    id="20261122T213000Z-1a2b",
    model="chat",
    old_slot=Slot.BLUE,
    old_release=1,
    new_slot=Slot.GREEN,
    new_release=2,
    strategy="canary",
    steps=(Step(weight=5, bake=60), Step(weight=100, bake=60)),
    gates=(),
    baseline={Market.SPOT: Size(minimum=1, desired=1)},
    surge=None,
    capacity_timeout=60,
    propagation=0,
    patience=60,
    inconclusive="pause",
    keep_previous=60,
    watchdog=60,
    judge_every=5,
)


class Inner:
    """Measures ten requests of each release."""

    def measure(self, plan: Plan, window: Window) -> Measurements:
        """The same for both."""
        return Measurements(window=window, old=Measured(requests=10), new=Measured(requests=10))


class Releases:
    """Blue is right and green wrong; counts what it is asked, and tells when it was asked so often."""

    def __init__(self) -> None:
        self.asked: list[tuple[Slot, str]] = []
        self.failing = False
        self._changed = threading.Condition()

    async def __call__(self, slot: Slot, prompt: GoldenPrompt) -> str:
        """The slot's answer."""
        with self._changed:
            self.asked.append((slot, prompt.id))
            self._changed.notify_all()
        if self.failing:
            raise AskError("status 500")
        return "yes" if slot is Slot.BLUE else "no"

    def wait_for(self, count: int) -> None:
        """Until it was asked so often."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.asked) >= count, SECONDS)


class Clock:
    """Time stands still unless it is set."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        """Epoch seconds."""
        return self.at


def opening(ask: Ask, error: Exception | None = None) -> Callable[[], object]:
    """What opens these tools, or fails to."""

    @asynccontextmanager
    async def open_() -> AsyncIterator[Tools]:
        if error:
            raise error
        yield Tools(ask=ask, scorer=Pointwise(exact))

    return open_


@contextmanager
def golden(
    ask: Ask,
    *,
    scored: bool = True,
    replay: float | None = None,
    error: Exception | None = None,
    clock: Clock | None = None,
    notes: list[str] | None = None,
) -> Iterator[GoldenMetrics]:
    """Metrics with golden prompts, closed afterwards."""
    work = Work(prompts=PROMPTS, scored=PROMPTS if scored else (), replay=replay)
    made = GoldenMetrics(
        Inner(),
        work,
        opening(ask, error),  # type: ignore[arg-type]
        now=clock or Clock(),
        note=notes.append if notes is not None else None,
    )
    with made:
        yield made


def settled(metrics: GoldenMetrics) -> None:
    """Wait for the thread's end."""
    thread = metrics._thread
    if thread:
        thread.join(SECONDS)
        assert not thread.is_alive()


def test_scores_come_when_all_are_there() -> None:
    """Half of the scores would be judged as if they were all."""
    go = threading.Event()
    releases = Releases()

    async def ask(slot: Slot, prompt: GoldenPrompt) -> str:
        await asyncio.to_thread(go.wait, SECONDS)
        return await releases(slot, prompt)

    with golden(ask) as metrics:
        before = metrics.measure(PLAN, WINDOW)
        assert (before.old.scores, before.new.scores) == ({}, {})
        go.set()
        settled(metrics)
        after = metrics.measure(PLAN, WINDOW)
    assert after.old.scores == {"a": 1, "b": 1, "c": 1}
    assert after.new.scores == {"a": 0, "b": 0, "c": 0}
    assert after.new.requests == 10


def test_answers_are_asked_for_once() -> None:
    """Measuring goes on every few seconds, and each score costs money."""
    releases = Releases()
    with golden(releases) as metrics:
        for _ in range(3):
            metrics.measure(PLAN, WINDOW)
            settled(metrics)
    assert len(releases.asked) == 6


def test_another_rollout_is_scored_anew() -> None:
    """Scores belong to two releases, not to a model."""
    releases = Releases()
    with golden(releases) as metrics:
        metrics.measure(PLAN, WINDOW)
        settled(metrics)
        assert metrics.measure(replace(PLAN, id="later"), WINDOW).new.scores == {}
        settled(metrics)
        assert metrics.measure(replace(PLAN, id="later"), WINDOW).new.scores
    assert len(releases.asked) == 12


def test_a_sleeping_release_is_not_asked() -> None:
    """It has no replica, and its requests would wake it."""
    releases = Releases()
    with golden(releases) as metrics:
        metrics.measure(replace(PLAN, asleep=True), WINDOW)
        settled(metrics)
        found = metrics.measure(replace(PLAN, asleep=True), WINDOW)
    assert {slot for slot, _ in releases.asked} == {Slot.GREEN}
    assert (found.old.scores, len(found.new.scores)) == ({}, 3)


def test_failures_are_left_out_and_told() -> None:
    """A prompt without an answer has no score, and people hear why the gate has no data."""
    releases, notes = Releases(), list[str]()
    releases.failing = True
    with golden(releases, notes=notes) as metrics:
        metrics.measure(PLAN, WINDOW)
        settled(metrics)
        found = metrics.measure(PLAN, WINDOW)
    assert (found.old.scores, found.new.scores) == ({}, {})
    assert notes == ["3 of 3 golden prompts lack a score; the first: status 500"]


def test_a_thread_that_fails_does_not_fail_the_rollout() -> None:
    """It is told, tried again a few times, and then left."""
    notes: list[str] = []
    with golden(Releases(), error=RuntimeError("broken"), notes=notes) as metrics:
        for _ in range(5):
            assert metrics.measure(PLAN, WINDOW).new.requests == 10
            settled(metrics)
    assert notes == ["golden prompts: broken"] * 3


def test_prompts_are_replayed_to_both_until_closed() -> None:
    """A model with little traffic gets enough to be judged by; afterwards nothing is sent any more."""
    releases = Releases()
    with golden(releases, scored=False, replay=100) as metrics:
        metrics.measure(PLAN, WINDOW)
        releases.wait_for(8)
        metrics.close()
        count = len(releases.asked)
        metrics.measure(PLAN, WINDOW)
        assert metrics._thread is None
    assert len(releases.asked) == count
    assert sorted(releases.asked[:6]) == [(slot, name) for slot in Slot for name in "abc"]


def test_a_failing_release_is_replayed_all_the_same() -> None:
    """Its failures are what the error gate must see."""
    releases, notes = Releases(), list[str]()
    releases.failing = True
    with golden(releases, scored=False, replay=100, notes=notes) as metrics:
        metrics.measure(PLAN, WINDOW)
        releases.wait_for(20)
    assert notes == []


def test_replay_ends_when_nobody_measures_and_goes_on_when_somebody_does() -> None:
    """Between steps nothing bakes: requests would cost and tell nothing."""
    releases, clock = Releases(), Clock()
    with golden(releases, scored=False, replay=100, clock=clock) as metrics:
        metrics.measure(PLAN, WINDOW)
        releases.wait_for(2)
        thread = metrics._thread
        clock.at += 31
        assert thread is not None
        thread.join(SECONDS)
        assert not thread.is_alive()
        count = len(releases.asked)
        metrics.measure(PLAN, WINDOW)
        releases.wait_for(count + 2)


def test_requests_past_the_weights_are_told() -> None:
    """Else the observed share would be that of the prompts: half for each release."""
    releases, clock = Releases(), Clock()
    with golden(releases, clock=clock) as metrics:
        clock.at = 150
        metrics.measure(PLAN, WINDOW)
        settled(metrics)
        found = metrics.measure(PLAN, WINDOW)
        assert (found.old.direct, found.new.direct) == (3, 3)
        later = metrics.measure(PLAN, Window(since=151, until=200))
        assert (later.old.direct, later.new.direct) == (0, 0)


def test_what_an_earlier_driver_sent_is_unknown() -> None:
    """After a crash nobody knows, and a guess could roll back a healthy release."""
    with golden(Releases(), scored=False) as metrics:
        found = metrics.measure(PLAN, Window(since=99, until=200))
    assert (found.old.direct, found.new.direct) == (None, None)


def test_what_cannot_work_is_refused_before_it_begins(tmp_path: Path) -> None:
    """Wrong prompts, or a scorer without what it needs, must not show in the middle of a rollout."""
    file = tmp_path / "environments" / "x.yaml"
    (tmp_path / "golden.jsonl").write_text('{"id": "a", "prompt": "x", "pattern": "y"}')
    endpoint = Endpoint(url="http://127.0.0.1:9/v1", model="chat", api_key=None)

    def made(scorer: str) -> GoldenMetrics:
        quality = Quality(scorer=scorer)  # type: ignore[arg-type]
        section = Golden(prompts="../golden.jsonl", quality=quality)
        return beside(Inner(), section, file=file, endpoint=endpoint, variables={})

    file.parent.mkdir()
    assert isinstance(made("regex"), GoldenMetrics)
    with pytest.raises(Refused, match="no prompt has a reference"):
        made("exact")
    with pytest.raises(Refused, match="needs a url"):
        made("judge")
    with pytest.raises(Refused, match="needs a url"):
        check(Golden(prompts="../golden.jsonl", quality=Quality(scorer="judge")), file, {})
    with pytest.raises(Refused, match=r"none\.jsonl"):
        check(Golden(prompts="none.jsonl"), file, {})
