"""The way forward: prepare, scale, shift, bake and judge, step by step; then keep the old release, and drain.

Each function decides for one phase, looks at everything anew, and returns one move.
"""

from dataclasses import replace

from infra.rollout.capacity import Sizes, at_first, at_present, needed, of_slot, reach, total
from infra.rollout.gates import SHARE
from infra.rollout.retreat import go_back
from infra.rollout.types import (
    Act,
    Answer,
    Cause,
    Decision,
    Enter,
    Observation,
    Phase,
    Pin,
    Plan,
    Status,
    Verdict,
    Wait,
)
from infra.rollout.world import FULL, at_least, carries, exactly, make_live, minimums, set_weight

POLL = 2.0
"""Seconds between looks while replicas start or drain."""


def preparing(plan: Plan, status: Status, seen: Observation, now: float) -> Decision:
    """Hold the old slot at its size, empty the new one of what may be left there, pin the new release."""
    if held := _hold_old(plan, status, seen, now):
        return held
    groups = [group for group in seen.groups if group.slot is plan.new_slot]
    if seen.replicas[plan.new_slot] and any(group.release != plan.new_release for group in groups):
        emptied = exactly(seen, plan.new_slot, dict.fromkeys(plan.baseline, 0))
        return emptied or Wait(seconds=POLL, why=f"replicas of an earlier release leave {plan.new_slot}")
    for group in groups:
        if group.release != plan.new_release:
            return Act(mutation=Pin(group=group.name, release=plan.new_release))
    return Enter(status=replace(status, phase=Phase.SCALING, since=now))


def scaling(plan: Plan, status: Status, seen: Observation, now: float) -> Decision:
    """Raise the new slot to what the step's weight needs, and wait until that is healthy at the balancer."""
    if worse := failed(plan, status, seen, now):
        return worse
    if repinned := _repin(plan, seen):
        return repinned
    weight, full = _next_weight(plan, status), at_present(plan, seen.groups)
    sizes = needed(full, weight)
    if room := _make_room(plan, status, seen, now, sizes):
        return room
    soon = sizes if plan.surge is not None else needed(full, _ahead(plan, status.step))
    if raised := _hold_old(plan, status, seen, now) or at_least(seen, plan.new_slot, soon):
        return raised
    if seen.healthy[plan.new_slot] < total(sizes):
        return _await_capacity(plan, status, seen, now, total(sizes))
    first = now if status.first_shift is None else status.first_shift
    shifting = replace(status, phase=Phase.SHIFTING, since=now, first_shift=first)
    return Enter(status=replace(shifting, weight=weight, previous_weight=status.weight))


def _await_capacity(plan: Plan, status: Status, seen: Observation, now: float, wanted: int) -> Decision:
    """Until the deadline; traffic is left as it is."""
    healthy, deadline = seen.healthy[plan.new_slot], status.since + plan.capacity_timeout
    missing = f"{healthy} of {wanted} replicas of release {plan.new_release} are healthy"
    if now >= deadline:
        why = "; ".join([f"{missing} after {plan.capacity_timeout:.0f} s", *_problems(plan, seen)])
        return go_back(status, now, Cause.CAPACITY, why)
    return Wait(seconds=POLL, why="; ".join([missing, *_problems(plan, seen)]), until=deadline)


def shifting(plan: Plan, status: Status, seen: Observation, now: float) -> Decision:
    """Tell the load balancer, until its API says that it has the weight: the step's, or a part of it."""
    if not carries(plan, seen, status.weight):
        return Act(mutation=set_weight(plan, status.weight))
    part = status.weight < plan.steps[status.step].weight
    phase = Phase.SCALING if part else Phase.BAKING
    return Enter(status=replace(status, phase=phase, since=now, shifted_at=now, passed=False))


def baking(plan: Plan, status: Status, seen: Observation, now: float) -> Decision:
    """Hold the weight for its time, then go on if every gate passes."""
    if changed := failed(plan, status, seen, now) or _repin(plan, seen) or _hold_old(plan, status, seen, now):
        return changed
    if ahead := _raise_ahead(plan, status, seen):
        return ahead
    step = plan.steps[status.step]
    end = status.since + step.bake
    if now < end:
        return Wait(seconds=1.0, why="baking", until=end)
    if missing := _missing(plan, status, seen):
        if now >= end + plan.capacity_timeout:
            return go_back(status, now, Cause.CAPACITY, missing)
        return Wait(seconds=POLL, why=missing, until=end + plan.capacity_timeout)
    if step.bake and (undecided := _undecided(plan, seen)):
        return _unsure(plan, status, seen, now, undecided)
    return _advance(plan, status, seen, now)


def _undecided(plan: Plan, seen: Observation) -> tuple[Verdict, ...]:
    """What stands against going on: gates that can't tell yet, and a share that doesn't fit its weight.

    A share that can't be told is no obstacle: it is asked for fewer requests than any gate that passed, so
    then these were golden prompts, sent past the weights to a model that nobody else uses.
    """
    return tuple(
        verdict
        for verdict in seen.verdicts
        if verdict.answer is Answer.FAIL
        or (verdict.answer is Answer.INCONCLUSIVE and plan.gates and verdict.gate != SHARE)
    )


def _unsure(
    plan: Plan, status: Status, seen: Observation, now: float, undecided: tuple[Verdict, ...]
) -> Decision:
    deadline = status.since + plan.steps[status.step].bake + plan.patience
    why = "; ".join(f"{verdict.gate}: {verdict.why}" for verdict in undecided)
    if now < deadline:
        return Wait(seconds=1.0, why=why, until=deadline)
    misrouted = any(verdict.answer is Answer.FAIL for verdict in undecided)
    if misrouted or plan.inconclusive == "rollback":
        return go_back(status, now, Cause.INCONCLUSIVE, why, undecided)
    if plan.inconclusive == "advance":
        return _advance(plan, status, seen, now)
    return Enter(status=replace(status, phase=Phase.PAUSED, since=now, cause=Cause.INCONCLUSIVE, reason=why))


def _advance(plan: Plan, status: Status, seen: Observation, now: float) -> Decision:
    """To the next step, to a pause, or all is done: the new release is live."""
    if plan.steps[status.step].pause:
        why = f"{status.weight} % is on the new release: `llmctl promote` goes on, `llmctl abort` goes back"
        return Enter(status=replace(status, phase=Phase.PAUSED, since=now, passed=True, reason=why))
    return onward(plan, status, seen, now)


def onward(plan: Plan, status: Status, seen: Observation, now: float) -> Decision:
    """Past a step, whether or not a person should have a word."""
    if status.step + 1 < len(plan.steps):
        scaling = replace(status, phase=Phase.SCALING, since=now, step=status.step + 1)
        return Enter(status=replace(scaling, passed=False, reason="", cause=None))
    if recorded := make_live(plan, seen, plan.new_slot):
        return recorded
    if freed := minimums(seen, plan.new_slot, _minimums(plan)):
        return freed
    return Enter(status=replace(status, phase=Phase.KEEPING, since=now, reason="", cause=None))


def paused(plan: Plan, status: Status, seen: Observation, now: float) -> Decision:
    """The gates still watch."""
    changed = failed(plan, status, seen, now) or _hold_old(plan, status, seen, now)
    return changed or Wait(seconds=1.0, why=status.reason)


def keeping(plan: Plan, status: Status, seen: Observation, now: float) -> Decision:
    """Both slots stay as they are for a while: going back takes one call."""
    until = status.since + (0.0 if plan.asleep else plan.keep_previous)
    if now >= until:
        return Enter(status=replace(status, phase=Phase.DRAINING, since=now))
    return Wait(seconds=1.0, why=f"release {plan.old_release} stays warm", until=until)


def draining(plan: Plan, status: Status, seen: Observation, now: float) -> Decision:
    """The old slot goes to zero, after every node of the balancer has stopped sending there."""
    settled = (status.shifted_at or 0.0) + plan.propagation
    if now < settled:
        return Wait(seconds=1.0, why="the load balancer carries the weights to its nodes", until=settled)
    if shrunk := exactly(seen, plan.old_slot, dict.fromkeys(plan.baseline, 0)):
        return shrunk
    if left := seen.replicas[plan.old_slot]:
        return Wait(seconds=POLL, why=f"{left} replicas of release {plan.old_release} finish their requests")
    return Enter(status=replace(status, phase=Phase.DONE, since=now))


def failed(plan: Plan, status: Status, seen: Observation, now: float) -> Decision | None:
    """Back, if a gate fails: at any time, and whatever people want."""
    against = tuple(v for v in seen.verdicts if v.answer is Answer.FAIL and v.gate != SHARE)
    if not against:
        return None
    why = "; ".join(f"{verdict.gate}: {verdict.why}" for verdict in against)
    return go_back(status, now, Cause.GATE, why, against)


def _missing(plan: Plan, status: Status, seen: Observation) -> str:
    """How many replicas the weight lacks, if it does: the market took them, or their engines died."""
    wanted = total(needed(at_first(plan), status.weight))
    healthy = seen.healthy[plan.new_slot]
    return "" if healthy >= wanted else f"{healthy} of {wanted} replicas are healthy at {status.weight} %"


def _repin(plan: Plan, seen: Observation) -> Decision | None:
    """A replacement must boot its slot's own release, whoever pinned another one."""
    for group in seen.groups:
        if group.release != plan.slots[group.slot]:
            return Act(mutation=Pin(group=group.name, release=plan.slots[group.slot]))
    return None


def _hold_old(plan: Plan, status: Status, seen: Observation, now: float) -> Decision | None:
    """The old slot may not shrink while it may be needed; with a surge limit, not below what it carries."""
    if plan.asleep:
        return None
    full = at_first(plan)
    if plan.surge is None:
        return at_least(seen, plan.old_slot, full)
    settled = now >= (status.shifted_at or 0.0) + plan.propagation
    carried = FULL - (status.weight if settled else min(status.weight, status.previous_weight))
    return at_least(seen, plan.old_slot, needed(full, carried))


def _raise_ahead(plan: Plan, status: Status, seen: Observation) -> Decision | None:
    """Start the next step's replicas while this one bakes, unless they may have to wait for a person."""
    last = status.step + 1 == len(plan.steps)
    if last or plan.steps[status.step].pause or plan.surge is not None:
        return None
    return at_least(seen, plan.new_slot, needed(at_present(plan, seen.groups), _ahead(plan, status.step + 1)))


def _ahead(plan: Plan, step: int) -> int:
    """The weight that nothing holds up once this step is reached: steps that neither bake nor pause."""
    while step + 1 < len(plan.steps) and not plan.steps[step].bake and not plan.steps[step].pause:
        step += 1
    return plan.steps[step].weight


def _next_weight(plan: Plan, status: Status) -> int:
    """The step's, or as much of it as a surge limit lets one shift move."""
    goal = plan.steps[status.step].weight
    if plan.surge is None or plan.asleep:
        return goal
    return reach(at_first(plan), plan.surge, status.weight, goal)


def _make_room(plan: Plan, status: Status, seen: Observation, now: float, sizes: Sizes) -> Decision | None:
    """With a surge limit, what the old slot's share no longer needs is given up first, and has to leave."""
    if plan.surge is None or plan.asleep:
        return None
    new, old = total(of_slot(seen.groups, plan.new_slot)), total(of_slot(seen.groups, plan.old_slot))
    limit = total(at_present(plan, seen.groups)) + plan.surge
    if old + total(sizes) > limit:
        settled = (status.shifted_at or 0.0) + plan.propagation
        if now < settled:
            return Wait(seconds=1.0, why="the load balancer carries the weights to its nodes", until=settled)
        if shrunk := exactly(seen, plan.old_slot, needed(at_first(plan), FULL - status.weight)):
            return shrunk
    leaving = seen.replicas[plan.old_slot] - old
    if new >= total(sizes) or leaving <= 0 or old + leaving + total(sizes) <= limit:
        return None
    deadline = status.since + plan.capacity_timeout
    why = f"{leaving} replicas of release {plan.old_release} finish their requests, to make room"
    if now >= deadline:
        return go_back(status, now, Cause.CAPACITY, f"{why}, for {plan.capacity_timeout:.0f} s")
    return Wait(seconds=POLL, why=why, until=deadline)


def _minimums(plan: Plan) -> Sizes:
    return {market: size.minimum for market, size in plan.baseline.items()}


def _problems(plan: Plan, seen: Observation) -> list[str]:
    return [group.problem for group in seen.groups if group.slot is plan.new_slot and group.problem]
