"""What deploy, status and destroy talk about: plain facts, without behaviour of any cloud."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from infra.environment.slots import Market, Slot
from infra.rollout import types as rollout


class Phase(StrEnum):
    """Where a replica is in its life, as an operator would say it."""

    LAUNCHING = "launching"
    BOOTING = "booting"
    FETCHING = "fetching"
    LOADING = "loading"
    REGISTERING = "registering"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"
    FAILED = "failed"


class Health(StrEnum):
    """A target's health at the load balancer."""

    UNREGISTERED = "unregistered"
    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNUSED = "unused"
    DRAINING = "draining"


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One instance of a group."""

    id: str
    lifecycle: str
    """The autoscaling lifecycle state, such as Pending:Wait or InService."""
    release: int | None
    type: str
    zone: str


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What a group does by itself when its time comes, again and again."""

    name: str
    cron: str
    timezone: str
    minimum: int
    desired: int | None = None
    """None: the minimum alone moves it, and a scaling policy the rest."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """One autoscaling group."""

    name: str
    model: str
    slot: Slot
    market: Market
    release: int
    """Launch template version that its instances boot."""
    min: int
    desired: int
    max: int
    instances: tuple[Instance, ...] = ()
    problem: str = ""
    """Why its latest launch failed (no capacity, no quota), while it has fewer instances than it wants."""
    schedules: tuple[Schedule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Live:
    """Which slot and release serve a model, as recorded in the runtime table."""

    slot: Slot
    release: int
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Report:
    """What an agent last said of its replica."""

    phase: Phase
    detail: str
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Replica:
    """One instance serving one release in one slot."""

    id: str
    phase: Phase
    detail: str
    slot: Slot
    market: Market
    release: int | None
    type: str
    zone: str
    launched: datetime | None


@dataclass(frozen=True, kw_only=True)
class SlotState:
    """One slot of a model."""

    slot: Slot
    weight: int
    """Share of the model's traffic, relative to the other slot's weight."""
    release: int
    wanted: int
    replicas: tuple[Replica, ...]
    problems: tuple[str, ...] = ()
    """Why launches fail, in AWS's words; empty when none does."""

    @property
    def healthy(self) -> int:
        """Replicas that the balancer sends traffic to."""
        return sum(replica.phase is Phase.HEALTHY for replica in self.replicas)


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """A model's current or last rollout."""

    plan: rollout.Plan
    status: rollout.Status
    driver: str
    """Who drives it now; empty: nobody."""


@dataclass(frozen=True, kw_only=True)
class RolloutState:
    """What `status` tells of a rollout that goes on."""

    id: str
    phase: rollout.Phase
    since: datetime
    """When the phase began."""
    old_release: int
    new_release: int
    weight: int
    """Share of the traffic that the new release has, or gets right now."""
    driver: str
    """Who drives it; empty: nobody."""
    reason: str
    """Why it pauses, or goes back; empty for neither."""


@dataclass(frozen=True, kw_only=True)
class ModelState:
    """One model: what is live, and both slots."""

    name: str
    live: Slot | None
    release: int | None
    latest_release: int
    url: str
    slots: tuple[SlotState, ...]
    rollout: RolloutState | None = None
    """None: no rollout goes on."""

    @property
    def asleep(self) -> bool:
        """Whether no slot gets its requests: they go to the waker."""
        return self.live is not None and not any(slot.weight for slot in self.slots)

    @property
    def ready(self) -> bool:
        """Whether the live slot has every replica that it wants, healthy at the balancer."""
        return all(slot.healthy >= slot.wanted for slot in self.slots if slot.slot is self.live)


@dataclass(frozen=True, kw_only=True)
class EnvironmentState:
    """Everything `status` shows."""

    environment: str
    endpoint: str
    models: tuple[ModelState, ...]

    @property
    def ready(self) -> bool:
        """Whether every live model is."""
        return all(model.ready for model in self.models)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the cloud and the runtime table say, before it is interpreted."""

    address: str | None
    """The balancer's DNS name; None while there is none."""
    groups: tuple[Group, ...]
    latest_releases: Mapping[str, int]
    """Newest launch template version of each model."""
    live: Mapping[str, Live]
    weights: Mapping[str, Mapping[Slot, int]]
    health: Mapping[str, Health]
    """By instance."""
    reports: Mapping[str, Report]
    """By instance."""
    launched: Mapping[str, datetime]
    """By instance."""
    rollouts: Mapping[str, Rollout] = field(default_factory=dict)
    """The current or last one of each model that ever had one."""


@dataclass(frozen=True, order=True)
class LogLine:
    """One line of an engine or an agent."""

    time: datetime
    model: str
    replica: str
    source: str
    """engine or agent."""
    text: str
    id: str
