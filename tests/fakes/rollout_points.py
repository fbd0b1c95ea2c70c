"""Every place where a driver of a rollout can die or be overtaken: before and after each write and change.

`tapped(world, points)` is the same world, whose ports tell `points` about each of these places; reads tell
nothing, but a dead driver reads nothing either.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from infra.rollout.ports import Clock, Fleet, Journal, Records, Schedules, Traffic, World

WRITES = frozenset({"begin", "acquire", "renew", "let_go", "enter", "intend", "done", "note", "judged"})
CHANGES = frozenset({"set_weights", "pin", "resize", "move", "make_live"})


class Death(BaseException):
    """The driver's process was killed."""


def _nothing(_number: int, _name: str) -> None:
    """What happens at a point by default."""


@dataclass
class Points:
    """Counts the places that a driver comes by. `at` is called at each; raising `Death` there kills it."""

    at: Callable[[int, str], None] = _nothing
    names: list[str] = field(default_factory=list)
    dead: bool = False

    def reach(self, name: str) -> None:
        """The driver has come to a place."""
        self.breathe()
        self.names.append(name)
        try:
            self.at(len(self.names) - 1, name)
        except Death:
            self.dead = True
            raise

    def breathe(self) -> None:
        """The dead do nothing, not even clean up."""
        if self.dead:
            raise Death


def dies_at(number: int) -> Points:
    """The driver dies at this place."""

    def at(reached: int, name: str) -> None:
        if reached == number:
            raise Death(name)

    return Points(at=at)


def tapped(world: World, points: Points) -> World:
    """The world of a driver whose life `points` has in hand."""
    return World(
        traffic=cast(Traffic, _Tapped(world.traffic, points)),
        fleet=cast(Fleet, _Tapped(world.fleet, points)),
        schedules=cast(Schedules, _Tapped(world.schedules, points)),
        records=cast(Records, _Tapped(world.records, points)),
        journal=cast(Journal, _Tapped(world.journal, points)),
        clock=cast(Clock, _Tapped(world.clock, points)),
        metrics=world.metrics,
    )


class _Tapped:
    def __init__(self, port: object, points: Points) -> None:
        self._port = port
        self._points = points

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*arguments: Any, **named: Any) -> Any:
            told = name in WRITES | CHANGES
            self._points.reach(f"before {name}") if told else self._points.breathe()
            answer = method(*arguments, **named)
            if told:
                self._points.reach(f"after {name}")
            return answer

        return call
