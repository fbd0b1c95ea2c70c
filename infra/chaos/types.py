"""What a chaos suite says, as plain data.

A suite is a list of steps and a budget. It names no instance: who is hit is chosen when the step is due, from
who is there then. It refuses to describe what can't be undone or measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Who(StrEnum):
    """Which of the ready spot replicas an injection hits."""

    ONE = "one"
    HALF = "half"
    ALL = "all"
    ZONE = "zone"


@dataclass(frozen=True, kw_only=True)
class Take:
    """The spot market takes replicas. `notice`: seconds between the notice and the end; 0: no notice."""

    who: Who
    notice: float = 0.0

    @property
    def words(self) -> str:
        """For people."""
        how = f"a notice of {self.notice:g} s" if self.notice else "no notice"
        return f"spot takes {self.who}, with {how}"


@dataclass(frozen=True, kw_only=True)
class Market:
    """Every zone has no capacity for `seconds`; `flap`: none and no limit in turn, for so long each."""

    seconds: float
    flap: float | None = None

    @property
    def words(self) -> str:
        """For people."""
        how = f"comes and goes every {self.flap:g} s" if self.flap else "is gone"
        return f"spot capacity {how}, for {self.seconds:g} s"


@dataclass(frozen=True, kw_only=True)
class Faults:
    """The cloud's API or balancer misbehaves for `seconds`: names and values of `llmctl local faults`."""

    seconds: float
    faults: Mapping[str, float] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """For people."""
        told = ", ".join(f"{name} {value:g}" for name, value in self.faults.items())
        return f"{told}, for {self.seconds:g} s"


Injection = Take | Market | Faults


@dataclass(frozen=True, kw_only=True)
class Step:
    """An injection, `at` seconds after the load began."""

    at: float
    do: Injection


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What an environment may lose. Shares are of 1; recovery in seconds; None: not judged."""

    failed: float | None = None
    truncated: int | None = None
    availability: float | None = None
    recovery: float | None = None


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Steps in the order of time, under constant load for `seconds`."""

    name: str
    summary: str
    seconds: float
    steps: tuple[Step, ...]
    budget: Budget


@dataclass(frozen=True, kw_only=True)
class Replica:
    """A ready replica on the spot market."""

    instance: str
    zone: str


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What was seen `at` seconds after the start: replicas ready, on either market, and those wanted."""

    at: float
    ready: int
    wanted: int
    spot: tuple[Replica, ...] = ()
    """Those of the ready ones that are on the spot market."""

    @property
    def enough(self) -> bool:
        """Whether all that were wanted were ready."""
        return self.ready >= self.wanted
