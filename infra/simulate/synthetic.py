"""Draws capacity traces, for those who have measured none. The same parameters, the same trace.

Each zone keeps a capacity for an exponentially distributed while, then draws another: none with probability
`1 - up`, else 1 to `capacity`, all as likely. With probability `correlation` it follows a market that all
zones share instead, at the shared one's own moments.
"""

import csv
import random
from dataclasses import dataclass
from pathlib import Path

from infra.errors import Refused
from infra.simulate.traces import TICK_SECONDS
from infra.simulate.types import Trace

_DAY = 86_400


@dataclass(frozen=True)
class Parameters:
    """The defaults are of the order of what has been measured; docs/simulate.md tells what."""

    zones: int = 3
    days: float = 30.0
    up: float = 0.6
    """Share of the time with any capacity."""
    changes: float = 8.0
    """A day and zone."""
    capacity: int = 4
    """Most replicas that a zone has room for."""
    correlation: float = 0.2
    """Share of the changes in which a zone follows the shared market."""
    seed: int = 1

    def __post_init__(self) -> None:
        if self.zones < 1 or self.capacity < 1 or self.days <= 0 or self.changes <= 0:
            raise ValueError("zones, days, changes and capacity are more than 0")
        if not (0 <= self.up <= 1 and 0 <= self.correlation <= 1):
            raise ValueError("up and correlation are shares, 0 to 1")


def draw(wanted: Parameters) -> Trace:
    """The trace of these parameters."""
    ticks = max(1, int(wanted.days * _DAY / TICK_SECONDS))
    shared = _spells(random.Random(f"{wanted.seed} shared"), wanted, ticks)  # noqa: S311 - repeatable
    zones = tuple(f"synthetic-{number}" for number in range(1, wanted.zones + 1))
    steps = tuple(
        _zone(random.Random(f"{wanted.seed} {zone}"), wanted, ticks, shared)  # noqa: S311 - repeatable
        for zone in zones
    )
    return Trace("synthetic", zones, steps, ticks, TICK_SECONDS)


def save(trace: Trace, path: Path) -> None:
    """Write the trace as a CSV file that can be replayed; raises `Refused` where that can't be written."""
    try:
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("seconds", *trace.zones))
            held = [steps[0][1] for steps in trace.steps]
            changes = [dict(steps) for steps in trace.steps]
            for tick in range(trace.ticks):
                held = [change.get(tick, value) for change, value in zip(changes, held, strict=True)]
                writer.writerow((f"{tick * trace.tick_seconds:g}", *held))
    except OSError as error:
        raise Refused(f"{path} can't be written: {error.strerror}") from error


def _spells(chance: random.Random, wanted: Parameters, ticks: int) -> tuple[tuple[int, int], ...]:
    """(tick, capacity) from tick 0 on."""
    mean = _DAY / TICK_SECONDS / wanted.changes
    found, tick = [], 0
    while tick < ticks:
        found.append((tick, _capacity(chance, wanted)))
        tick += max(1, round(chance.expovariate(1 / mean)))
    return tuple(found)


def _zone(
    chance: random.Random, wanted: Parameters, ticks: int, shared: tuple[tuple[int, int], ...]
) -> tuple[tuple[int, int], ...]:
    own = [each for each in _spells(chance, wanted, ticks) if chance.random() >= wanted.correlation]
    followed = [each for each in shared if chance.random() < wanted.correlation]
    steps = dict([(0, _capacity(chance, wanted)), *followed, *own])
    return tuple(sorted(steps.items()))


def _capacity(chance: random.Random, wanted: Parameters) -> int:
    return chance.randint(1, wanted.capacity) if chance.random() < wanted.up else 0
