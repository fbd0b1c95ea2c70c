"""Whole rollouts to be disturbed: what must hold all along, and the end that each must come to."""

from collections.abc import Callable
from dataclasses import dataclass, field

from infra.environment.slots import Slot
from infra.rollout.capacity import at_first, needed, total
from infra.rollout.controller import drive
from infra.rollout.ports import World
from infra.rollout.types import Asked, GroupSeen, Phase, Plan, Progress, Request, SetWeights, Status, Step
from tests.fakes.rollout import Behaviour, FakeWorld, a_plan, fake_world

BROKEN = Behaviour(errors=0.2)


def quick(**changes: object) -> Plan:
    """Four short steps; a plan that doesn't give up on capacity while its driver is dead."""
    steps = tuple(Step(weight=weight, bake=12.0) for weight in (5, 25, 50, 100))
    return a_plan(
        **{"steps": steps, "capacity_timeout": 3600.0, "propagation": 5.0, "keep_previous": 0.0, **changes}
    )


@dataclass(frozen=True, kw_only=True)
class Story:
    """A rollout that is driven, and what happens to it."""

    begin: Callable[[], FakeWorld]
    end: Phase
    meanwhile: Callable[[FakeWorld], None] = lambda world: None
    """Plans what happens while it is driven."""
    before: Callable[[FakeWorld], None] = lambda world: None
    """Happens before the driver of interest begins."""

    def world(self) -> FakeWorld:
        """Ready to be driven."""
        world = self.begin()
        self.before(world)
        self.meanwhile(world)
        return world


@dataclass(frozen=True)
class End:
    """All that a rollout leaves behind."""

    weights: dict[Slot, int]
    groups: dict[str, GroupSeen]
    live: Slot
    scheduled: Slot | None
    phase: Phase
    step: int
    intent: str
    replicas: dict[Slot, int] = field(default_factory=dict)


def end_of(world: FakeWorld) -> End:
    """As it is now."""
    record = world.journal.current
    assert record
    return End(
        weights=dict(world.cluster.weights),
        groups=dict(world.cluster.groups),
        live=world.cluster.live,
        scheduled=world.cluster.scheduled,
        phase=record.status.phase,
        step=record.status.step,
        intent=record.intent,
        replicas={slot: world.cluster.healthy(slot) for slot in Slot},
    )


def unseen(_progress: Progress) -> None:
    """Nobody watches."""


def run(world: World, holder: str = "first@host 1", *, deadline: float | None = None) -> Status:
    """Drive it until it rests."""
    return drive(world, holder, watch=unseen, deadline=deadline)


def ask(world: FakeWorld, asked: Asked, by: str = "ann@host") -> None:
    """Somebody wants something."""
    number = sum(entry.kind == "request" for entry in world.journal.entries())
    world.journal.ask(Request(id=f"r{number}", asked=asked, by=by, at=world.clock.time()))


def check(world: FakeWorld) -> None:
    """What holds at every place: the traffic has its replicas, and the journal tells the weights."""
    record, cluster = world.journal.current, world.cluster
    assert record
    plan, status = record.plan, record.status
    for slot, weight in cluster.weights.items():
        wanted = total(needed(at_first(plan), weight))
        assert cluster.healthy(slot) >= (wanted * 0.75 if status.phase.back else wanted), (slot, status)
    announced = record.intent == str(SetWeights(weights=cluster.weights))
    told = cluster.weights[plan.new_slot] in {status.weight, status.previous_weight}
    assert told or announced, (cluster.weights, status, record.intent)


def _abort_at_25(world: FakeWorld) -> None:
    def baked() -> bool:
        return world.status.phase is Phase.BAKING and world.status.step == 1

    world.clock.when(baked, lambda: ask(world, Asked.ABORT))


def _kept(world: FakeWorld) -> None:
    assert run(world).phase is Phase.KEEPING
    ask(world, Asked.ABORT)


STORIES = {
    "canary": Story(begin=lambda: fake_world(quick()), end=Phase.DONE),
    "blue-green": Story(
        begin=lambda: fake_world(
            quick(strategy="blue-green", steps=(Step(weight=100, bake=12.0),), keep_previous=600.0)
        ),
        end=Phase.KEEPING,
    ),
    "few machines": Story(
        begin=lambda: fake_world(
            quick(surge=2, steps=tuple(Step(weight=weight, bake=12.0) for weight in (20, 100)))
        ),
        end=Phase.DONE,
    ),
    "gate": Story(begin=lambda: fake_world(quick(), new=BROKEN), end=Phase.ROLLED_BACK),
    "abort": Story(begin=lambda: fake_world(quick()), meanwhile=_abort_at_25, end=Phase.ROLLED_BACK),
    "instant rollback": Story(
        begin=lambda: fake_world(quick(keep_previous=600.0)), before=_kept, end=Phase.ROLLED_BACK
    ),
}
