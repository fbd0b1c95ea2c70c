"""A model's two slots in memory: groups that launch and drain, weights, a market that takes."""

from dataclasses import dataclass, field, replace

from infra.environment.slots import Market, Slot
from infra.rollout.types import (
    Act,
    Decision,
    Enter,
    GateSpec,
    GroupSeen,
    MakeLive,
    MoveSchedules,
    Mutation,
    Observation,
    Phase,
    Pin,
    Plan,
    Request,
    Resize,
    SetWeights,
    Size,
    Status,
    Step,
    Verdict,
)

COLD_START = 60.0
DRAIN = 20.0
GATES = (GateSpec(gate="error_rate", limit=None, worse_by=0.5, min_samples=50),)


def a_plan(**changes: object) -> Plan:
    """Four steps of half a minute each, over four spot replicas and one on demand."""
    values: dict[str, object] = {
        "id": "20261122T120000Z-aaaa",
        "model": "chat",
        "old_slot": Slot.BLUE,
        "old_release": 1,
        "new_slot": Slot.GREEN,
        "new_release": 2,
        "strategy": "canary",
        "steps": tuple(Step(weight=weight, bake=30.0) for weight in (5, 25, 50, 100)),
        "gates": GATES,
        "baseline": {Market.SPOT: Size(minimum=2, desired=4), Market.ON_DEMAND: Size(minimum=1, desired=1)},
        "surge": None,
        "capacity_timeout": 120.0,
        "propagation": 30.0,
        "patience": 60.0,
        "inconclusive": "pause",
        "keep_previous": 90.0,
        "watchdog": 900.0,
        "judge_every": 5.0,
    }
    return Plan(**{**values, **changes})  # type: ignore[arg-type]


@dataclass
class _Instance:
    group: str
    release: int
    healthy_at: float
    gone_at: float | None = None


@dataclass
class Cluster:
    """The world of one rollout. `now` moves only by `advance`."""

    plan: Plan
    now: float = 1_000_000.0
    weights: dict[Slot, int] = field(default_factory=dict)
    groups: dict[str, GroupSeen] = field(default_factory=dict)
    instances: list[_Instance] = field(default_factory=list)
    live: Slot = Slot.BLUE
    scheduled: Slot | None = Slot.BLUE
    """Whose sizes change by the clock."""
    capacity: bool = True
    machines: int = 1000
    """That the market has, those that drain among them."""
    drain: float = DRAIN
    """Seconds that a replica takes to leave."""
    verdicts: tuple[Verdict, ...] = ()
    request: Request | None = None
    status: Status = field(init=False)

    def __post_init__(self) -> None:
        """As it is before a rollout: all is old, and healthy."""
        self.status = Status(phase=Phase.PREPARING, since=self.now)
        self.live = self.scheduled = self.plan.old_slot
        self.weights = {self.plan.old_slot: 100, self.plan.new_slot: 0}
        for slot in Slot:
            for market, size in self.plan.baseline.items():
                old = slot is self.plan.old_slot
                name = f"{slot}-{market}"
                self.groups[name] = GroupSeen(
                    name=name,
                    slot=slot,
                    market=market,
                    release=self.plan.old_release,
                    minimum=size.minimum if old else 0,
                    desired=size.desired if old else 0,
                    maximum=10,
                )
        self.advance(0.0)
        for instance in self.instances:
            instance.healthy_at = self.now

    def healthy(self, slot: Slot) -> int:
        """Replicas that serve the release that the plan has for the slot."""
        return sum(
            instance.release == self.plan.slots[slot]
            and instance.gone_at is None
            and instance.healthy_at <= self.now
            for instance in self.of(slot)
        )

    def of(self, slot: Slot) -> list[_Instance]:
        """Instances of a slot that aren't gone."""
        return [instance for instance in self.instances if self.groups[instance.group].slot is slot]

    def timed(self) -> frozenset[Slot]:
        """Slots that have schedules."""
        return frozenset() if self.scheduled is None else frozenset({self.scheduled})

    def observe(self) -> Observation:
        """What a driver sees."""
        return Observation(
            weights=dict(self.weights),
            groups=tuple(self.groups.values()),
            healthy={slot: self.healthy(slot) for slot in Slot},
            replicas={slot: len(self.of(slot)) for slot in Slot},
            live=self.live,
            scheduled=None if self.weights[self.live] else self.timed(),
            verdicts=self.verdicts if self._judged() else (),
            request=self.request,
        )

    def apply(self, decision: Decision) -> None:
        """Do what was decided."""
        if isinstance(decision, Act):
            self.change(decision.mutation)
        elif isinstance(decision, Enter):
            self.status = decision.status
            if self.request and self.request.id == self.status.handled:
                self.request = None

    def change(self, mutation: Mutation) -> None:
        """Carry out one mutation."""
        match mutation:
            case SetWeights(weights=weights):
                self.weights = dict(weights)
            case Pin(group=group, release=release):
                self._regroup(group, release=release)
            case Resize(group=group, minimum=minimum, desired=desired):
                self._regroup(group, minimum=minimum, desired=desired)
            case MakeLive(slot=slot):
                self.live = slot
            case MoveSchedules(slot=slot):
                self.scheduled = slot

    def advance(self, seconds: float) -> None:
        """Let time pass: groups launch and drain."""
        self.now += seconds
        self.instances = [each for each in self.instances if each.gone_at is None or each.gone_at > self.now]
        for group in self.groups.values():
            mine = [each for each in self.instances if each.group == group.name and each.gone_at is None]
            for instance in mine[group.desired :]:
                instance.gone_at = self.now + self.drain
            if self.capacity:
                room = self.machines - len(self.instances)
                for _ in range(min(room, group.desired - len(mine))):
                    self.instances.append(_Instance(group.name, group.release, self.now + COLD_START))

    def lose(self, slot: Slot) -> None:
        """The market takes a replica without a word."""
        for instance in self.of(slot):
            if instance.gone_at is None and self.groups[instance.group].market is Market.SPOT:
                self.instances.remove(instance)
                return

    def scale(self, slot: Slot, by: int) -> None:
        """A scaling policy moves a spot group within its bounds."""
        group = self.groups[f"{slot}-{Market.SPOT}"]
        desired = max(group.minimum, min(group.maximum, group.desired + by))
        self._regroup(group.name, desired=desired)

    def _judged(self) -> bool:
        watched = (Phase.SCALING, Phase.BAKING, Phase.PAUSED)
        return self.status.phase in watched and self.status.weight > 0

    def _regroup(self, name: str, **changes: int) -> None:
        self.groups[name] = replace(self.groups[name], **changes)  # type: ignore[arg-type]
