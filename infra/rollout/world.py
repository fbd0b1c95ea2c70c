"""Small readings of an observation, and the moves that change it, for the phases of both directions."""

from collections.abc import Callable, Mapping

from infra.environment.slots import Slot
from infra.rollout.capacity import Sizes
from infra.rollout.types import (
    Act,
    GroupSeen,
    MakeLive,
    MoveSchedules,
    Observation,
    Plan,
    Resize,
    SetWeights,
    Wait,
)

FULL = 100


def carries(plan: Plan, seen: Observation, weight: int) -> bool:
    """Whether the balancer's API says that the new slot has this weight."""
    wanted = {plan.old_slot: FULL - weight, plan.new_slot: weight}
    found = {slot: seen.weights.get(slot, 0) for slot in Slot}
    return found == wanted or (plan.asleep and weight == 0 and not any(found.values()))


def told(weights: Mapping[Slot, int]) -> str:
    """Weights in words."""
    return ", ".join(f"{slot} {weights.get(slot, 0)}" for slot in Slot)


def set_weight(plan: Plan, weight: int) -> SetWeights:
    """The mutation that gives the new slot this weight, and the old one the rest."""
    return SetWeights(weights={plan.old_slot: FULL - weight, plan.new_slot: weight})


def make_live(plan: Plan, seen: Observation, slot: Slot) -> Act | Wait | None:
    """Record a slot as live, after what follows the live slot: the record is what the next look goes by."""
    if seen.live is slot:
        return None
    if seen.scheduled is None:
        return Wait(seconds=1.0, why="the load balancer's API doesn't tell the new weights yet")
    if seen.scheduled - {slot}:
        return Act(mutation=MoveSchedules(slot=slot))
    return Act(mutation=MakeLive(slot=slot, release=plan.slots[slot]))


def at_least(seen: Observation, slot: Slot, sizes: Sizes) -> Act | None:
    """Raise a slot's groups to these sizes and keep them there; what is larger stays as it is."""
    return _resize(
        seen, slot, sizes, lambda group, size: (max(group.minimum, size), max(group.desired, size))
    )


def exactly(seen: Observation, slot: Slot, sizes: Sizes) -> Act | None:
    """Give a slot's groups these sizes."""
    return _resize(seen, slot, sizes, lambda group, size: (size, size))


def minimums(seen: Observation, slot: Slot, sizes: Sizes) -> Act | None:
    """Set how small a slot's groups may become by themselves; nothing leaves now."""
    return _resize(seen, slot, sizes, lambda group, size: (size, max(group.desired, size)))


def _resize(
    seen: Observation, slot: Slot, sizes: Sizes, wish: Callable[[GroupSeen, int], tuple[int, int]]
) -> Act | None:
    """The first group that isn't as wished; None when all are."""
    for group in seen.groups:
        if group.slot is slot:
            wanted = wish(group, min(sizes.get(group.market, 0), group.maximum))
            if (group.minimum, group.desired) != wanted:
                return Act(mutation=Resize(group=group.name, minimum=wanted[0], desired=wanted[1]))
    return None
