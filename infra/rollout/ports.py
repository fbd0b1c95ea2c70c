"""What a driver of rollouts needs from the world, all of one model. Adapters are in `infra/aws`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from infra.environment.slots import Slot
from infra.rollout.measured import Measurements, Window
from infra.rollout.types import GroupSeen, Mutation, Plan, Request, Status, Verdict


class Traffic(Protocol):
    """The model's rule at the load balancer."""

    def weights(self) -> Mapping[Slot, int]:
        """Both slots' weights as the load balancer's API tells them."""

    def set_weights(self, weights: Mapping[Slot, int]) -> None:
        """Set both slots' weights; whatever else the rule forwards to gets none."""


@dataclass(frozen=True, kw_only=True)
class ReplicaSeen:
    """One instance of a group."""

    id: str
    slot: Slot
    release: int | None
    healthy: bool
    """At the load balancer, and in service."""
    leaving: bool


class Fleet(Protocol):
    """The model's four autoscaling groups."""

    def groups(self) -> tuple[GroupSeen, ...]:
        """All four."""

    def replicas(self) -> tuple[ReplicaSeen, ...]:
        """Instances of all four that aren't gone."""

    def pin(self, group: str, release: int) -> None:
        """Make a group boot a release from now on."""

    def resize(self, group: str, *, minimum: int, desired: int) -> None:
        """Set a group's minimum and desired size."""


class Schedules(Protocol):
    """Minimums by the time of day, which belong to whichever slot is live."""

    def slots(self) -> frozenset[Slot]:
        """Slots that have any."""

    def move(self, slot: Slot) -> None:
        """Give a slot the other one's."""


class Records(Protocol):
    """What is live."""

    def live(self) -> Slot:
        """The slot that is recorded as live."""

    def make_live(self, slot: Slot, release: int) -> None:
        """Record another one."""


class Metrics(Protocol):
    """What both releases did."""

    def measure(self, plan: Plan, window: Window) -> Measurements:
        """Over one window; what can't be measured is None."""


class Clock(Protocol):
    """Time, injected."""

    def time(self) -> float:
        """Epoch seconds."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to drive a rollout, until it is lost. Whoever takes it next gets a higher token."""

    model: str
    holder: str
    """USER@HOST PID, or watchdog."""
    token: int
    until: float


@dataclass(frozen=True, kw_only=True)
class Record:
    """A model's rollout as the journal has it: the current one, or the last."""

    plan: Plan
    status: Status
    request: Request | None
    """A wish that isn't carried out yet."""
    intent: str
    """The mutation whose outcome isn't known, in words; empty when there is none."""
    lease: Lease | None
    """None: nobody has ever driven it, or who did has let go."""
    let_go_at: float | None = None
    """When the last driver gave its lease back; None while there is a lease, or never was one."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a rollout's story."""

    at: float
    actor: str
    kind: str
    """began, phase, intent, outcome, judged, request, lease, note"""
    text: str
    status: Status | None = None
    """With `phase` and `judged`."""
    verdicts: tuple[Verdict, ...] = ()
    """With `judged`."""


class Journal(Protocol):
    """The rollout's memory: every write is conditional, and fenced by the lease's token.

    Writing with a lease that was lost raises `LeaseLostError`, and nothing is written.
    """

    def read(self) -> Record | None:
        """The model's current or last rollout, read consistently."""

    def begin(self, plan: Plan, status: Status) -> None:
        """Start a rollout; raises `LlmctlError` (conflict) while another one goes on."""

    def acquire(self, holder: str, seconds: float) -> Lease:
        """Take the lease; raises `HeldError` while somebody else has it."""

    def renew(self, lease: Lease, seconds: float) -> Lease:
        """Keep it for so many seconds from now on."""

    def let_go(self, lease: Lease) -> None:
        """Give it back; nothing happens if it was lost."""

    def enter(self, lease: Lease, status: Status) -> None:
        """Write where the rollout is now, with an entry; clears the request that `status` has handled."""

    def intend(self, lease: Lease, mutation: Mutation) -> None:
        """Write what is about to be changed."""

    def done(self, lease: Lease, mutation: Mutation, outcome: str) -> None:
        """Write how that ended."""

    def note(self, lease: Lease, text: str) -> None:
        """Add a line to the story; an intent whose driver is gone is forgotten with it."""

    def judged(self, lease: Lease, status: Status, verdicts: Sequence[Verdict]) -> None:
        """Write what the gates say, for the report."""

    def ask(self, request: Request) -> None:
        """Leave a wish for the driver, without a lease; an earlier one that still waits is replaced."""

    def entries(self, rollout: str | None = None) -> tuple[Entry, ...]:
        """The story of a rollout (default: the latest), oldest first."""

    def history(self) -> tuple[Record, ...]:
        """All rollouts of the model that are remembered, newest first."""


@dataclass(frozen=True, kw_only=True)
class World:
    """All ports of one model's rollout."""

    traffic: Traffic
    fleet: Fleet
    schedules: Schedules
    records: Records
    journal: Journal
    clock: Clock
    metrics: Metrics | None = None
    """None: nothing is judged (the watchdog only goes back)."""
