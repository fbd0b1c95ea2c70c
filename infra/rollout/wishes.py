"""What people may ask of a rollout at each of its phases, and when that has been carried out. Pure.

The driver's policy takes any wish at any time, and lets it have no effect where it makes no sense; here
people are told so before they leave one.
"""

from infra.rollout.ports import Record
from infra.rollout.types import Asked, Cause, Phase, Plan, Status

_MOVING = (Phase.PREPARING, Phase.SCALING, Phase.SHIFTING, Phase.BAKING)
_FORWARD = (*_MOVING, Phase.PAUSED)
_ALLOWED = {
    Asked.PAUSE: _MOVING,
    Asked.RESUME: (Phase.PAUSED,),
    Asked.PROMOTE: (Phase.BAKING, Phase.PAUSED),
    Asked.PROMOTE_FULL: _FORWARD,
    Asked.ABORT: (*_FORWARD, Phase.KEEPING, Phase.DRAINING),
    Asked.FINISH: (Phase.KEEPING,),
}


def objection(plan: Plan, status: Status, asked: Asked) -> str:
    """Why a wish would have no effect now; empty when it would have one."""
    phase = status.phase
    if phase in _ALLOWED[asked]:
        return ""
    model, new, old = plan.model, plan.new_release, plan.old_release
    if phase.back:
        return f"{model}: this rollout goes back to release {old} already ({phase})"
    if phase in (Phase.KEEPING, Phase.DRAINING):
        return f"{model}: release {new} has all the traffic already ({phase})"
    if phase is Phase.PAUSED:
        return f"{model}: it is paused already: {status.reason}"
    weight = plan.steps[status.step].weight
    return f"{model}: there is nothing to {asked} yet: the step of {weight} % isn't there ({phase})"


def waits(record: Record | None, request: str) -> bool:
    """Whether a wish has not been carried out yet."""
    return record is not None and record.request is not None and record.request.id == request


def rests(record: Record | None) -> bool:
    """Whether a rollout needs nobody now: over, or kept warm, or undecided and let go by its driver."""
    if record is None:
        return True
    status = record.status
    unsure = status.phase is Phase.PAUSED and status.cause is Cause.INCONCLUSIVE and record.lease is None
    return status.phase.ended or status.phase is Phase.KEEPING or unsure


def driver(record: Record | None, now: float) -> str:
    """Who drives it; empty: nobody."""
    lease = record.lease if record else None
    return lease.holder if lease and lease.until > now else ""
