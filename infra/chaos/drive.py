"""Applies a suite's steps on time and looks on meanwhile; leaves nothing that it did behind.

Each injection that lasts is undone when its time is over, and at the end whatever the end was: an error or an
interrupt included. It judges nothing (`verdict` does) and makes no load.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from infra.chaos.types import Injection, Sighting, Step, Suite


class Target(Protocol):
    """Who is there."""

    def look(self, at: float) -> Sighting | None:
        """The model's replicas now; `at` goes into the answer. None: AWS doesn't say."""


class Inject(Protocol):
    """Does harm."""

    def start(self, injection: Injection, seen: Sighting | None, seed: int) -> tuple[str, ...]:
        """Do it to those that were seen last; tells the instances that it hit."""

    def stop(self, injection: Injection) -> None:
        """Undo what lasts. Called once for each that was begun, also for one whose beginning failed."""


class Clock(Protocol):
    """Time."""

    def time(self) -> float:
        """Seconds since some moment."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """An injection that was applied, when, and whom it hit."""

    at: float
    do: Injection
    victims: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Story:
    """What was done and what was seen."""

    done: tuple[Done, ...]
    sightings: tuple[Sighting, ...]


def drive(
    suite: Suite,
    target: Target,
    inject: Inject,
    clock: Clock,
    *,
    seed: int,
    every: float = 1.0,
    watch: Callable[[Step], None] = lambda _: None,
) -> Story:
    """Run a suite, looking every so many seconds; raises what the ports raise, after undoing.

    `watch` is told each step as it is due.
    """
    start = clock.time()
    waiting = sorted(suite.steps, key=lambda step: step.at)
    lasting: dict[ExitStack, float] = {}
    done: list[Done] = []
    seen: list[Sighting] = []
    with ExitStack() as last_resort:
        while (now := clock.time() - start) < suite.seconds:
            for over in [stack for stack, end in lasting.items() if end <= now]:
                del lasting[over]
                over.close()
            if sighting := target.look(now):
                seen.append(sighting)
            while waiting and waiting[0].at <= now:
                step = waiting.pop(0)
                watch(step)
                if step.do.seconds:
                    undo = last_resort.enter_context(ExitStack())
                    undo.callback(inject.stop, step.do)  # first: an interrupt may come in the middle
                    lasting[undo] = now + step.do.seconds
                hit = inject.start(step.do, seen[-1] if seen else None, seed + len(done))
                done.append(Done(at=now, do=step.do, victims=hit))
            clock.sleep(every)
    return Story(done=tuple(done), sightings=tuple(seen))
