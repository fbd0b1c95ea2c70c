"""A rollout as people and programs see it: one document for the live view and for `--json`.

It says nothing that the driver doesn't know, and decides nothing. Weights and shares are percent of the
model's traffic, times are UTC.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from infra.environment.slots import Slot
from infra.rollout.capacity import of_slot, total
from infra.rollout.ports import Record
from infra.rollout.types import (
    Act,
    Cause,
    Enter,
    Halt,
    Observation,
    Phase,
    Plan,
    Progress,
    SetWeights,
    Verdict,
    Wait,
)
from infra.rollout.world import FULL

SHARE = "share"
"""The gate that compares the traffic's observed split with the weights."""
_MEANINGS = {
    Phase.PREPARING: "the new slot gets the new release",
    Phase.SCALING: "replicas of the new release start",
    Phase.SHIFTING: "the load balancer is told the next weight",
    Phase.BAKING: "the weight holds; the gates watch",
    Phase.PAUSED: "it waits for a person",
    Phase.KEEPING: "all traffic is on the new release; the old one stays warm",
    Phase.DRAINING: "the old replicas finish and leave",
    Phase.DONE: "the new release serves alone",
    Phase.RESTORING: "going back: the old release gets its replicas",
    Phase.RETURNING: "going back: the load balancer is told so",
    Phase.CLEARING: "going back: the new replicas finish and leave",
    Phase.ROLLED_BACK: "the old release serves alone again",
}


class Reached(StrEnum):
    """How far a step is."""

    PAST = "past"
    PRESENT = "present"
    AHEAD = "ahead"


@dataclass(frozen=True, kw_only=True)
class SideView:
    """One slot."""

    slot: Slot
    release: int
    weight: int | None
    """What the load balancer has; None: it could not be read."""
    share: float | None
    """What it was seen to carry; None: not measured."""
    healthy: int | None
    wanted: int | None
    replicas: int | None
    """All instances that aren't gone."""
    problems: tuple[str, ...]
    """Why launches failed, in AWS's words."""


@dataclass(frozen=True, kw_only=True)
class StepView:
    """One weight of the plan."""

    weight: int
    bake: float
    """Seconds."""
    pause: bool
    reached: Reached


@dataclass(frozen=True, kw_only=True)
class RolloutView:
    """Where a rollout is."""

    model: str
    id: str
    strategy: str
    phase: Phase
    meaning: str
    over: bool
    since: datetime
    """When the phase began."""
    now: datetime
    weight: int
    step: int
    """From 1."""
    steps: tuple[StepView, ...]
    old: SideView
    new: SideView
    verdicts: tuple[Verdict, ...]
    """What the gates say now; of a rollout that went back, the ones that made it."""
    doing: str
    """What it does or waits for."""
    until: datetime | None
    """When that ends at the latest."""
    reason: str
    cause: Cause | None
    driver: str
    """Empty: nobody."""
    started_by: str


@dataclass(frozen=True, kw_only=True)
class PastView:
    """One line of a model's history."""

    model: str
    id: str
    began: datetime | None
    old_release: int
    new_release: int
    strategy: str
    phase: Phase
    weight: int
    since: datetime
    """When it came to that phase: for one that is over, its end."""
    cause: Cause | None
    reason: str
    started_by: str


def view(progress: Progress) -> RolloutView:
    """What is shown of a rollout."""
    plan, status, seen = progress.plan, progress.status, progress.seen
    verdicts = seen.verdicts if seen and seen.verdicts else status.failed
    share = next((each.new for each in verdicts if each.gate == SHARE), None)
    doing, until = _doing(progress)
    return RolloutView(
        model=plan.model,
        id=plan.id,
        strategy=plan.strategy,
        phase=status.phase,
        meaning=_MEANINGS[status.phase],
        over=status.phase.ended,
        since=moment(status.since),
        now=moment(progress.now),
        weight=status.weight,
        step=status.step + 1,
        steps=_steps(progress),
        old=_side(plan, plan.old_slot, seen, None if share is None else FULL - share),
        new=_side(plan, plan.new_slot, seen, share),
        verdicts=verdicts,
        doing=doing,
        until=until,
        reason=status.reason,
        cause=status.cause,
        driver=progress.driver,
        started_by=plan.started_by,
    )


def past(records: Iterable[Record]) -> tuple[PastView, ...]:
    """Rollouts of the past, in the order given."""
    return tuple(
        PastView(
            model=plan.model,
            id=plan.id,
            began=began(plan),
            old_release=plan.old_release,
            new_release=plan.new_release,
            strategy=plan.strategy,
            phase=status.phase,
            weight=status.weight,
            since=moment(status.since),
            cause=status.cause,
            reason=status.reason,
            started_by=plan.started_by,
        )
        for plan, status in ((record.plan, record.status) for record in records)
    )


def began(plan: Plan) -> datetime | None:
    """When a rollout began, by its id; None when that doesn't tell."""
    try:
        return datetime.strptime(plan.id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def moment(seconds: float) -> datetime:
    """Epoch seconds as a time."""
    return datetime.fromtimestamp(seconds, UTC)


def _steps(progress: Progress) -> tuple[StepView, ...]:
    plan, status = progress.plan, progress.status
    finished = status.phase in (Phase.KEEPING, Phase.DRAINING, Phase.DONE)

    def reached(index: int) -> Reached:
        if finished or index < status.step:
            return Reached.PAST
        return Reached.PRESENT if index == status.step else Reached.AHEAD

    return tuple(
        StepView(weight=step.weight, bake=step.bake, pause=step.pause, reached=reached(index))
        for index, step in enumerate(plan.steps)
    )


def _side(plan: Plan, slot: Slot, seen: Observation | None, share: float | None) -> SideView:
    release = plan.slots[slot]
    if seen is None:
        return SideView(
            slot=slot,
            release=release,
            weight=None,
            share=share,
            healthy=None,
            wanted=None,
            replicas=None,
            problems=(),
        )
    return SideView(
        slot=slot,
        release=release,
        weight=seen.weights.get(slot, 0),
        share=share,
        healthy=seen.healthy.get(slot, 0),
        wanted=total(of_slot(seen.groups, slot)),
        replicas=seen.replicas.get(slot, 0),
        problems=tuple(group.problem for group in seen.groups if group.slot is slot and group.problem),
    )


def _doing(progress: Progress) -> tuple[str, datetime | None]:
    """The driver's next move in words; who only watches knows when a bake or the keeping ends."""
    match progress.decision:
        case Act(mutation=mutation):
            return f"weights: {mutation}" if isinstance(mutation, SetWeights) else str(mutation), None
        case Enter(status=status):
            return f"goes on to {status.phase}", None
        case Wait(why=why, until=until):
            return why, None if until is None else moment(until)
        case Halt(why=why):
            return f"stops: {why}", None
    plan, status = progress.plan, progress.status
    if status.phase is Phase.BAKING:
        return "baking", moment(status.since + plan.steps[status.step].bake)
    if status.phase is Phase.KEEPING and not plan.asleep:
        return f"release {plan.old_release} stays warm", moment(status.since + plan.keep_previous)
    return "", None
