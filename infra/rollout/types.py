"""What a rollout is made of: its plan, where it is, what is seen of the world, and what is decided.

Plain frozen dataclasses: the policy is a pure function of them, and the journal keeps plan and status as
JSON. Times are epoch seconds, durations seconds, weights percent of the model's traffic.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from infra.environment.slots import Market, Slot


class Phase(StrEnum):
    """Where a rollout is."""

    PREPARING = "preparing"
    """The new slot is pinned to the new release; the old one may no longer shrink."""
    SCALING = "scaling"
    """Replicas of the new release start, as many as the next weight needs."""
    SHIFTING = "shifting"
    """The next weight is being set at the load balancer."""
    BAKING = "baking"
    """The weight holds; the gates watch."""
    PAUSED = "paused"
    """Like baking, until a person promotes, resumes or aborts."""
    KEEPING = "keeping"
    """All traffic goes to the new release; the old one stays warm for an instant rollback."""
    DRAINING = "draining"
    """The old slot goes to zero."""
    DONE = "done"
    """The new release serves alone."""
    RESTORING = "restoring"
    """Going back: the old slot gets the replicas that all the traffic needs."""
    RETURNING = "returning"
    """Going back: all traffic is being sent to the old release."""
    CLEARING = "clearing"
    """Going back: the new slot goes to zero."""
    ROLLED_BACK = "rolled back"
    """The old release serves alone again."""

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do."""
        return self in (Phase.DONE, Phase.ROLLED_BACK)

    @property
    def back(self) -> bool:
        """Whether the rollout goes back, or went."""
        return self in (Phase.RESTORING, Phase.RETURNING, Phase.CLEARING, Phase.ROLLED_BACK)


class Cause(StrEnum):
    """Why a rollout went back."""

    GATE = "gate"
    """A gate failed."""
    CAPACITY = "capacity"
    """The new replicas did not become healthy in time."""
    USER = "user"
    """Somebody said abort or rollback."""
    WATCHDOG = "watchdog"
    """Nobody drove the rollout any more."""
    INCONCLUSIVE = "inconclusive"
    """There was too little to judge by, and the file says to go back then."""


class Answer(StrEnum):
    """What a gate says."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one gate says of the new release, with its numbers."""

    gate: str
    """Its key in the file, such as latency_p95; `share`: whether the balancer carries the weight."""
    answer: Answer
    new: float | None
    old: float | None
    """None: not measured."""
    limit: float | None
    """The value at which it fails: the absolute bound, or what the old release's value allows."""
    samples: int
    """Requests of the new release that it rests on."""
    unit: str
    """percent, seconds, tokens a second, points, or nothing."""
    why: str
    """One line for people."""


@dataclass(frozen=True, kw_only=True)
class GateSpec:
    """One gate of a plan; see `infra.environment.rollout.Gate`."""

    gate: str
    limit: float | None
    worse_by: float | None
    min_samples: int


@dataclass(frozen=True, kw_only=True)
class Step:
    """One weight of the new slot."""

    weight: int
    bake: float
    """0: it is not judged."""
    pause: bool = False
    """Whether a person must promote afterwards."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """What a group of the old slot had when the rollout began: least and wanted instances."""

    minimum: int
    desired: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that was decided when the rollout began; it never changes."""

    id: str
    """Sorts by time: 20261122T213000Z-1a2b."""
    model: str
    old_slot: Slot
    old_release: int
    new_slot: Slot
    new_release: int
    strategy: str
    steps: tuple[Step, ...]
    gates: tuple[GateSpec, ...]
    baseline: Mapping[Market, Size]
    """Sizes of the old slot's groups at the beginning: what all the traffic needs."""
    surge: int | None
    capacity_timeout: float
    propagation: float
    patience: float
    inconclusive: str
    """pause, advance or rollback."""
    keep_previous: float
    watchdog: float
    judge_every: float
    """How often there can be something new to judge by: how often replicas publish."""
    asleep: bool = False
    """The model had no replica when it began: nothing needs to be kept warm, and nobody can be compared."""
    started_by: str = ""
    digest: str = ""
    """Of the environment file's section that the release was made from."""

    @property
    def slots(self) -> Mapping[Slot, int]:
        """Release of each slot."""
        return {self.old_slot: self.old_release, self.new_slot: self.new_release}


class Asked(StrEnum):
    """What a person may ask of a rollout."""

    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    """Go on to the next step now."""
    PROMOTE_FULL = "promote --full"
    """Go on to 100 now."""
    ABORT = "abort"
    """Go back."""
    FINISH = "finish"
    """Give up the old replicas now: another rollout wants their slot."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """Somebody's wish, which the driver carries out."""

    id: str
    asked: Asked
    by: str
    at: float


@dataclass(frozen=True, kw_only=True)
class Status:
    """Where a rollout is. Written before anything is changed."""

    phase: Phase
    since: float
    """When the phase began."""
    step: int = 0
    """Index of the step that is prepared, set or baked."""
    weight: int = 0
    """What the new slot has, or gets by the shift that goes on."""
    previous_weight: int = 0
    """What it had before that."""
    shifted_at: float | None = None
    """When the load balancer was last told a weight and was seen to have it."""
    first_shift: float | None = None
    """Until when the old release had all the traffic."""
    reason: str = ""
    """Why it is here, for people: why it pauses, or goes back."""
    cause: Cause | None = None
    failed: tuple[Verdict, ...] = ()
    """The verdicts that made it go back."""
    handled: str = ""
    """Id of the last request that was carried out."""
    passed: bool = False
    """Whether the step's gates have passed, and only a person's word is missing."""


@dataclass(frozen=True, kw_only=True)
class GroupSeen:
    """One autoscaling group as it is now."""

    name: str
    slot: Slot
    market: Market
    release: int
    """What its next instances boot."""
    minimum: int
    desired: int
    maximum: int
    problem: str = ""
    """Why its latest launch failed, in AWS's words."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """The world, read again before each decision."""

    weights: Mapping[Slot, int]
    """Of the model's rule. Both 0: the waker has them (the model sleeps)."""
    groups: tuple[GroupSeen, ...]
    """Both slots, both markets."""
    healthy: Mapping[Slot, int]
    """Replicas that are healthy at the balancer and run the release that the plan has for their slot."""
    replicas: Mapping[Slot, int]
    """All instances that aren't gone, draining ones included."""
    live: Slot
    """What is recorded as live."""
    scheduled: frozenset[Slot] | None = None
    """Slots whose sizes change by the clock; None: not looked at, because the live slot has traffic."""
    verdicts: tuple[Verdict, ...] = ()
    """Of the current step so far; empty while nothing is judged."""
    request: Request | None = None


@dataclass(frozen=True, kw_only=True)
class SetWeights:
    """Set the rule's weights."""

    weights: Mapping[Slot, int]

    def __str__(self) -> str:
        return ", ".join(f"{slot} {weight}" for slot, weight in sorted(self.weights.items()))


@dataclass(frozen=True, kw_only=True)
class Pin:
    """Make a group boot a release."""

    group: str
    release: int

    def __str__(self) -> str:
        return f"{self.group}: boots release {self.release}"


@dataclass(frozen=True, kw_only=True)
class Resize:
    """Set a group's minimum and desired size."""

    group: str
    minimum: int
    desired: int

    def __str__(self) -> str:
        return f"{self.group}: {self.desired} replicas, at least {self.minimum}"


@dataclass(frozen=True, kw_only=True)
class MakeLive:
    """Record which slot and release are live."""

    slot: Slot
    release: int

    def __str__(self) -> str:
        return f"release {self.release} in {self.slot} is live"


@dataclass(frozen=True, kw_only=True)
class MoveSchedules:
    """Make the sizes that come by the clock a slot's."""

    slot: Slot

    def __str__(self) -> str:
        return f"schedules move to {self.slot}"


Mutation = SetWeights | Pin | Resize | MakeLive | MoveSchedules
"""Each sets absolute values: doing it twice is doing it once."""


@dataclass(frozen=True, kw_only=True)
class Act:
    """Change something, then look again."""

    mutation: Mutation


@dataclass(frozen=True, kw_only=True)
class Enter:
    """Write down that the rollout is somewhere else now."""

    status: Status


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Look again after so many seconds."""

    seconds: float
    why: str
    until: float | None = None
    """When the waiting ends at the latest, if that is known: for a countdown."""


@dataclass(frozen=True, kw_only=True)
class Halt:
    """Reality is not what this rollout made: somebody else changed it. Nothing is touched."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Finished:
    """Nothing is left to do."""


Decision = Act | Enter | Wait | Halt | Finished


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What people who watch a rollout are shown."""

    plan: Plan
    status: Status
    seen: Observation | None
    """None: the world could not be read just now."""
    decision: Decision | None
    """What the driver does next; None when this is not the driver."""
    driver: str
    """Who drives it; empty: nobody."""
    now: float
