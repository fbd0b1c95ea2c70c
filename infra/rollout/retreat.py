"""The way back: give the old slot what it needs, send the traffic there, empty the new slot.

Traffic goes back as fast as the old slot can carry it, and no faster: a rollback that buries the old release
would be worse than the new one.
"""

from dataclasses import replace

from infra.rollout.capacity import at_first, carried, needed, total
from infra.rollout.types import (
    Act,
    Cause,
    Decision,
    Enter,
    Observation,
    Phase,
    Plan,
    Status,
    Verdict,
    Wait,
)
from infra.rollout.world import FULL, at_least, carries, exactly, make_live, minimums, set_weight

_POLL = 2.0
_ENOUGH = 0.75
"""Share of the old slot's replicas that may take all the traffic: a bad release hurts more than a queue."""


def go_back(status: Status, now: float, cause: Cause, reason: str, failed: tuple[Verdict, ...] = ()) -> Enter:
    """Turn round. Whatever the new slot has is taken back, if it has anything."""
    back = replace(status, phase=Phase.RESTORING, since=now, cause=cause, reason=reason, failed=failed)
    return Enter(status=replace(back, passed=False))


def restoring(plan: Plan, status: Status, seen: Observation, now: float) -> Decision:
    """Raise the old slot if it was shrunk; take back as much traffic as it can carry by now."""
    if _untouched(plan, status, seen):
        return Enter(status=replace(status, phase=Phase.CLEARING, since=now, weight=0, previous_weight=0))
    full = at_first(plan)
    if raised := at_least(seen, plan.old_slot, full):
        return raised
    healthy, wanted = seen.healthy[plan.old_slot], total(full)
    late = now >= status.since + plan.capacity_timeout
    enough = healthy >= wanted * _ENOUGH or (late and healthy)
    share = FULL if enough else carried(full, healthy)
    if FULL - share < status.weight:
        returning_ = replace(status, phase=Phase.RETURNING, since=now, previous_weight=status.weight)
        return Enter(status=replace(returning_, weight=FULL - share))
    if plan.surge is not None and (freed := _give_up(plan, status, seen, now)):
        return freed
    why = f"{healthy} of {wanted} replicas of release {plan.old_release} are healthy: they can't carry more"
    return Wait(seconds=_POLL, why=why, until=status.since + plan.capacity_timeout)


def returning(plan: Plan, status: Status, seen: Observation, now: float) -> Decision:
    """Tell the load balancer, then the records."""
    if not carries(plan, seen, status.weight):
        return Act(mutation=set_weight(plan, status.weight))
    settled = replace(status, since=now, shifted_at=now)
    if status.weight:
        return Enter(status=replace(settled, phase=Phase.RESTORING))
    if recorded := make_live(plan, seen, plan.old_slot):
        return recorded
    return Enter(status=replace(settled, phase=Phase.CLEARING))


def clearing(plan: Plan, status: Status, seen: Observation, now: float) -> Decision:
    """Empty the new slot, after every node of the balancer has stopped sending there; free the old one."""
    settled = (status.shifted_at or 0.0) + plan.propagation
    if now < settled:
        return Wait(seconds=1.0, why="the load balancer carries the weights to its nodes", until=settled)
    if shrunk := exactly(seen, plan.new_slot, dict.fromkeys(plan.baseline, 0)):
        return shrunk
    least = {market: size.minimum for market, size in plan.baseline.items()}
    if freed := minimums(seen, plan.old_slot, least):
        return freed
    if left := seen.replicas[plan.new_slot]:
        return Wait(seconds=_POLL, why=f"{left} replicas of release {plan.new_release} finish their requests")
    return Enter(status=replace(status, phase=Phase.ROLLED_BACK, since=now))


def _untouched(plan: Plan, status: Status, seen: Observation) -> bool:
    """Whether the new slot has no traffic, by the plan and by the balancer."""
    return status.weight == 0 and carries(plan, seen, 0) and seen.live is plan.old_slot


def _give_up(plan: Plan, status: Status, seen: Observation, now: float) -> Decision | None:
    """With a surge limit the old replicas need the place of new ones that have nothing to do any more."""
    if now < (status.shifted_at or 0.0) + plan.propagation:
        return None
    return exactly(seen, plan.new_slot, needed(at_first(plan), status.weight))
