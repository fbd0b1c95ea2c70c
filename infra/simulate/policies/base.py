"""What a policy sees of the simulated market, and what it may order. It sees no capacity."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(slots=True, eq=False)
class Instance:
    """A replica; times are ticks."""

    launched: int
    ready: int
    announced: bool = False
    """Would its loss be announced? Not for policies to read."""
    leaving: bool = False
    """Its loss has been announced."""


@dataclass(slots=True)
class View:
    """The state after a tick. Policies read it; the engine alone writes."""

    zones: tuple[str, ...]
    tick_seconds: float
    spot: list[list[Instance]]
    """By zone, in the order of their launch."""
    tick: int = -1
    wanted: int = 0
    on_demand: list[Instance] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    """Zones of the replicas that were lost, or announced to be, since the policy last looked."""
    failed: list[int] = field(default_factory=list)
    """Zones of the launches that failed since then."""
    started: list[int] = field(default_factory=list)
    """Zones of the launches that succeeded since then."""

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return self.tick * self.tick_seconds

    def staying(self) -> list[int]:
        """Spot replicas by zone that run or come, and aren't announced to leave."""
        return [sum(1 for instance in zone if not instance.leaving) for zone in self.spot]

    def ready_spot(self) -> int:
        """Spot replicas that are ready and stay."""
        return sum(
            1
            for zone in self.spot
            for instance in zone
            if instance.ready <= self.tick and not instance.leaving
        )


@dataclass(slots=True)
class Orders:
    """What a policy wants done in the next tick."""

    on_demand: int = 0
    """How many on-demand replicas there are to be."""
    launch: Sequence[int] = ()
    """Zones to launch a spot replica in, one attempt each."""
    stop: Sequence[int] = ()
    """Zones to stop a spot replica in, the newest."""
    again_at: float = math.inf
    """When it may order otherwise though it sees nothing new, in seconds."""


class Policy(Protocol):
    """Decides each tick from what it saw of the last."""

    @property
    def name(self) -> str:
        """As people know it."""
        ...

    def step(self, view: View) -> Orders:
        """What to do next."""
        ...


def surplus(staying: Sequence[int], target: int) -> list[int]:
    """Zones to stop a replica in, the fullest first, until `target` are left."""
    left = list(staying)
    stops: list[int] = []
    while sum(left) > target:
        fullest = max(range(len(left)), key=left.__getitem__)
        left[fullest] -= 1
        stops.append(fullest)
    return stops
