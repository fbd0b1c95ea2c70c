"""What a simulation is told and what it tells. Times are seconds, or ticks where it says so."""

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Trace:
    """Capacity of zones over time, each as steps: (tick, capacity), the first at tick 0."""

    name: str
    zones: tuple[str, ...]
    steps: tuple[tuple[tuple[int, int], ...], ...]
    ticks: int
    tick_seconds: float

    def changes(self) -> Iterator[tuple[float, tuple[int, ...]]]:
        """Each time at which anything changes, in seconds, and the capacity of each zone from then on."""
        for tick in sorted({tick for steps in self.steps for tick, _ in steps}):
            yield (
                tick * self.tick_seconds,
                tuple(next(count for at, count in reversed(steps) if at <= tick) for steps in self.steps),
            )


@dataclass(frozen=True)
class Demand:
    """Wanted replicas over time: (tick, wanted), the first at tick 0."""

    steps: tuple[tuple[int, int], ...]

    @classmethod
    def constant(cls, wanted: int) -> "Demand":
        """The same at all times."""
        return cls(((0, wanted),))


@dataclass(frozen=True)
class Rules:
    """How the simulated cloud behaves. The defaults are those that published results can be compared with."""

    cold_start: float = 180.0
    """From launch to ready, spot and on-demand."""
    spot_price: float = 1 / 3
    """Of a spot replica, where an on-demand one costs 1."""
    notice: float = 0.0
    """How long before its loss a replica's loss is announced."""
    announced: float = 1.0
    """Share of the losses that are announced, if `notice` is not 0."""
    standby_start: float | None = None
    """From launch to ready for on-demand replicas, if they wait stopped. None: the cold start."""
    free_first_hour: bool = False
    """Spot replicas that are interrupted in their first hour cost nothing."""
    seed: int = 0
    """Decides which losses are announced."""


@dataclass(frozen=True)
class Moment:
    """From `tick` on, until the next moment."""

    tick: int
    wanted: int
    spot: int
    """Ready."""
    on_demand: int
    """Ready."""


@dataclass(frozen=True)
class Outcome:
    """What became of one policy on one trace."""

    policy: str
    availability: float
    """Share of the ticks with ready >= wanted."""
    cost: float
    """Relative to all on demand."""
    spot_cost: float
    on_demand_cost: float
    """The parts of `cost`."""
    interruptions: int
    spot_launches: int
    spot_failures: int
    on_demand_launches: int
    timeline: tuple[Moment, ...] = ()

    def renamed(self, policy: str) -> "Outcome":
        """The same under another name."""
        return replace(self, policy=policy)
