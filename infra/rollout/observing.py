"""Reading the world of a rollout, always anew: what is remembered of it is what is wrong after a crash."""

from collections.abc import Iterable

from infra.environment.slots import Slot
from infra.rollout.ports import ReplicaSeen, World
from infra.rollout.types import Observation, Plan, Request, Verdict


def observe(
    world: World, plan: Plan, *, request: Request | None = None, verdicts: tuple[Verdict, ...] = ()
) -> Observation:
    """The world as it is now. Raises `LlmctlError` when a part of it can't be read."""
    replicas, weights, live = tuple(world.fleet.replicas()), world.traffic.weights(), world.records.live()
    return Observation(
        weights=weights,
        groups=world.fleet.groups(),
        healthy={slot: _count(replicas, slot, plan.slots[slot]) for slot in Slot},
        replicas={slot: sum(each.slot is slot for each in replicas) for slot in Slot},
        live=live,
        scheduled=None if weights.get(live) else world.schedules.slots(),
        verdicts=verdicts,
        request=request,
    )


def _count(replicas: Iterable[ReplicaSeen], slot: Slot, release: int) -> int:
    """Replicas that serve this release in this slot, and stay."""
    return sum(
        each.slot is slot and each.release == release and each.healthy and not each.leaving
        for each in replicas
    )
