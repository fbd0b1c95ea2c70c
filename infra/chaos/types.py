"""What a chaos suite says, as plain data.

A suite is a list of steps and a budget. It names no instance: who is hit is chosen when the step is due, from
who is there then. It refuses to describe what can't be undone or measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from infra.embedded.troubles import Trouble


class Who(StrEnum):
    """Which of the ready replicas an injection hits; the market takes only those that are on it."""

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
    def seconds(self) -> float:
        """How long it lasts: there is nothing to undo."""
        return 0.0

    @property
    def words(self) -> str:
        """For people."""
        how = f"a notice of {self.notice:g} s" if self.notice else "no notice"
        return f"spot takes {self.who}, with {how}"


@dataclass(frozen=True, kw_only=True)
class Break:
    """Something breaks on replicas for `seconds`. `by`: how far a clock is ahead, in seconds."""

    who: Who
    what: Trouble
    seconds: float
    by: float = 0.0

    @property
    def words(self) -> str:
        """For people."""
        how = f" by {self.by:g} s" if self.by else ""
        lasts = f", for {self.seconds:g} s" if self.what.lasts else ""
        return f"{self.what}{how} on {self.who}{lasts}"


@dataclass(frozen=True, kw_only=True)
class Market:
    """The spot market changes for `seconds`: no capacity in any zone, if nothing else is said."""

    seconds: float
    flap: float | None = None
    """None and no limit in turn, for so long each."""
    trace: tuple[tuple[float, tuple[int, ...]], ...] = ()
    """From so many seconds on, so many in each of the model's zones."""

    @property
    def words(self) -> str:
        """For people."""
        how = "is gone"
        if self.flap:
            how = f"comes and goes every {self.flap:g} s"
        elif self.trace:
            how = "is as in a trace"
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


Injection = Take | Break | Market | Faults


@dataclass(frozen=True, kw_only=True)
class Step:
    """An injection, `at` seconds after the load began."""

    at: float
    do: Injection

    @property
    def over(self) -> float:
        """When all of it has happened."""
        return self.at + (self.do.notice if isinstance(self.do, Take) else self.do.seconds)


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
    """A ready replica."""

    instance: str
    zone: str
    spot: bool = True
    """Whether it is on the spot market."""


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What was seen `at` seconds after the start: the replicas that were ready, and how many were wanted."""

    at: float
    replicas: tuple[Replica, ...]
    wanted: int

    @property
    def spot(self) -> tuple[Replica, ...]:
        """Those that the spot market can take."""
        return tuple(replica for replica in self.replicas if replica.spot)

    @property
    def enough(self) -> bool:
        """Whether all that were wanted were ready."""
        return len(self.replicas) >= self.wanted
