"""Applies a suite's steps on time and looks on meanwhile; leaves nothing that it did behind.

Each injection that lasts is undone when its time is over, and at the end whatever the end was: an error or an
interrupt included. It judges nothing (`verdict` does) and makes no load.
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from infra.chaos.types import Faults, Injection, Market, Replica, Sighting, Step, Suite, Take
from infra.chaos.victims import victims


class Target(Protocol):
    """Who is there."""

    def look(self, at: float) -> Sighting | None:
        """The model's replicas now; `at` goes into the answer. None: AWS doesn't say."""


class Inject(Protocol):
    """Does harm."""

    def take(self, replica: Replica, notice: float) -> None:
        """Let the market take a replica."""

    def start(self, injection: Market | Faults) -> None:
        """Begin what lasts."""

    def stop(self, injection: Market | Faults) -> None:
        """Undo it. Called once for each begun, also for one whose beginning failed."""


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
                if isinstance(step.do, Take):
                    there = seen[-1].spot if seen else ()
                    done.append(_take(step.do, there, inject, now, seed + len(done)))
                else:
                    undo = last_resort.enter_context(ExitStack())
                    undo.callback(inject.stop, step.do)  # first: an interrupt may come in the middle
                    inject.start(step.do)
                    lasting[undo] = now + step.do.seconds
                    done.append(Done(at=now, do=step.do))
            clock.sleep(every)
    return Story(done=tuple(done), sightings=tuple(seen))


def _take(take: Take, there: Iterable[Replica], inject: Inject, now: float, seed: int) -> Done:
    hit = victims(take.who, there, seed)
    for replica in hit:
        inject.take(replica, take.notice)
    return Done(at=now, do=take, victims=tuple(replica.instance for replica in hit))
