"""What the guardian sees of a model's live slot. Plain data; times in epoch seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Replica:
    """An instance of a group that isn't leaving."""

    id: str
    pool: str
    in_service: bool
    """Its launch hook is completed, and nobody found it unhealthy; else it is on its way."""


@dataclass(frozen=True, slots=True)
class Group:
    """An autoscaling group."""

    name: str
    minimum: int
    desired: int
    maximum: int
    replicas: tuple[Replica, ...]
    standby: int | None = None
    """Instances that its warm pool is to have; None: it has no warm pool."""


@dataclass(frozen=True, slots=True)
class Activity:
    """What a group did, or tried."""

    launch: bool
    """Else a termination."""
    began: float
    ended: float | None
    """None: it goes on."""
    failed: bool
    instance: str = ""
    """Empty where no instance came of it."""
    zone: str = ""
    message: str = ""
    """Why it failed."""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """The spot market said that it takes an instance, or is likely to soon; or took it without a word."""

    instance: str
    pool: str
    at: float


@dataclass(frozen=True, slots=True)
class LiveSlot:
    """A model's live slot."""

    spot: Group
    on_demand: Group
    activities: tuple[Activity, ...]
    """Of the spot group."""
    notices: tuple[Notice, ...]
    rolling: bool
    """Whether a rollout of the model goes on."""
    idle: tuple[Group, ...] = ()
    """The on-demand groups of the model's other slots."""
