"""What the spot policy sees and says. Plain data, standard library only: a function in the cloud carries it.

It refuses to know groups, tables or APIs: pools are names, times are epoch seconds, sizes are replicas.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Settings:
    """How careful to be. The defaults are what ships; docs/simulate.md tells how they were found."""

    on_demand_base: int = 0
    """Replicas that are always on demand."""
    overprovision: int = 1
    """Spot replicas beyond what is wanted. Never replaced on demand."""
    spare: int = 1
    """On-demand replicas beyond the gap, while spot leaves one: a market that is short takes more. Never to
    stand in for the extras: where spot covers what is wanted, there is none."""
    hold_seconds: float = 30.0
    """How long a spot replica must have been ready before it takes an on-demand replica's place."""
    hold_most_seconds: float = 9000.0
    """The longest hold. It is in force while fewer than two pools are calm."""
    flap_seconds: float = 3600.0
    """Interruptions younger than this are recent: each one makes the hold longer by `hold_seconds`."""
    calm_seconds: float = 600.0
    """A pool is calm when it neither interrupted nor failed to launch for so long. Calm pools come first."""
    retry_seconds: float = 120.0
    """How long a pool that failed to launch is left alone, at least; at most a period."""
    period_seconds: float = 300.0
    """Every pool is open at least once in such a period, whatever happened in it."""
    pending_seconds: float = 1800.0
    """A launch that takes longer counts for nothing: it won't come."""
    spot_quota: int | None = None
    """Most spot replicas that the account allows. None: no limit known."""
    on_demand_quota: int | None = None
    """Most on-demand replicas that the account allows. None: no limit known."""
    budget: float | None = None
    """Most that all replicas may cost an hour, in the prices' currency. None: no limit."""
    spot_price: float = 1 / 3
    """Of a replica, an hour."""
    on_demand_price: float = 1.0
    """Of a replica, an hour."""

    @property
    def relative(self) -> "Settings":
        """With prices, and the budget, in on-demand replicas."""
        unit = self.on_demand_price
        budget = None if self.budget is None else self.budget / unit
        return replace(self, spot_price=self.spot_price / unit, on_demand_price=1.0, budget=budget)

    @property
    def remember_seconds(self) -> float:
        """How far back an observation's events must go."""
        return max(self.flap_seconds, self.calm_seconds, self.rest_seconds)

    @property
    def rest_seconds(self) -> float:
        """How long a pool that failed is left alone: each is tried in every period."""
        return min(self.retry_seconds, self.period_seconds)

    def __post_init__(self) -> None:
        counts = (self.on_demand_base, self.overprovision, self.spot_quota or 0, self.on_demand_quota or 0)
        times = (self.hold_seconds, self.flap_seconds, self.retry_seconds, self.pending_seconds)
        if min(counts) < 0 or min(times) < 0 or (self.budget is not None and self.budget < 0):
            raise ValueError("sizes, times and the budget of the spot policy can't be negative")
        if self.hold_most_seconds < self.hold_seconds:
            raise ValueError("hold_most_seconds can't be less than hold_seconds")
        if not 0 < self.spot_price <= self.on_demand_price:
            raise ValueError("the spot price must be above 0 and at most the on-demand price")


@dataclass(frozen=True, slots=True)
class PoolState:
    """One pool: a zone and an instance type in it."""

    pool: str
    ready_since: tuple[float, ...] = ()
    """When each ready replica that nothing threatens became ready."""
    pending_since: tuple[float, ...] = ()
    """When each replica that isn't ready yet was launched."""

    @property
    def size(self) -> int:
        """Replicas that run or come."""
        return len(self.ready_since) + len(self.pending_since)


@dataclass(frozen=True, slots=True)
class Event:
    """An interruption (or the notice of one), or a launch that failed for want of capacity."""

    pool: str
    at: float


@dataclass(frozen=True, slots=True)
class Observation:
    """What is so now, and what happened lately. All of the policy's memory is in here."""

    wanted: int
    spot: tuple[PoolState, ...]
    """Every pool that may be used, the empty ones too."""
    on_demand_ready: int = 0
    on_demand_pending: int = 0
    interruptions: tuple[Event, ...] = ()
    """In any order, of `remember_seconds`; a replica that is going counts from its notice."""
    failures: tuple[Event, ...] = ()
    """Failed spot launches, in any order, of `remember_seconds`."""

    @property
    def on_demand(self) -> int:
        """On-demand replicas that run or come."""
        return self.on_demand_ready + self.on_demand_pending


@dataclass(frozen=True, slots=True)
class Target:
    """What a group is to be, and why: the sentence goes to the journal."""

    size: int
    why: str


@dataclass(frozen=True, slots=True)
class Targets:
    """What both groups are to be."""

    spot: Target
    on_demand: Target
    pools: tuple[str, ...]
    """Where spot may be launched now, the best first."""
    again_at: float
    """When the answer may change though nothing happens, epoch seconds; infinite: it won't."""
