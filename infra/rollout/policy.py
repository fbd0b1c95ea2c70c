"""What a rollout does next: a pure function of its plan, where it is, what is seen, and the time.

The driver does what is decided, looks again and asks again; so whoever drives, and however often drivers die,
the same world leads to the same next move. Every mutation sets absolute values and is decided again until it
is seen, and nothing is remembered but `Status`. `forward` and `retreat` have the phases of both directions.
"""

from collections.abc import Callable

from infra.rollout.forward import baking, draining, keeping, paused, preparing, scaling, shifting
from infra.rollout.requests import answer
from infra.rollout.retreat import clearing, restoring, returning
from infra.rollout.types import Decision, Enter, Finished, Halt, Observation, Phase, Plan, Status
from infra.rollout.world import FULL, carries, told

_STALE = 60.0
"""Reads of the load balancer's API may be this old, in seconds: AWS promises nothing, so this is generous."""


def decide(plan: Plan, status: Status, seen: Observation, now: float) -> Decision:
    """The next move."""
    if status.phase.ended:
        return Finished()
    wish = answer(plan, status, seen, now)
    aborts = isinstance(wish, Enter) and wish.status.phase.back
    if not aborts and (foreign := _foreign_hand(plan, status, seen, now)):
        return Halt(why=foreign)
    return wish or _PHASES[status.phase](plan, status, seen, now)


def _foreign_hand(plan: Plan, status: Status, seen: Observation, now: float) -> str:
    """What somebody else changed, if the weights are neither what they should be nor what they were.

    On the way back any split is taken back, whoever made it.
    """
    if status.phase in (Phase.RESTORING, Phase.RETURNING) or carries(plan, seen, status.weight):
        return ""
    stale = status.shifted_at is not None and now - status.shifted_at < _STALE
    if (status.phase is Phase.SHIFTING or stale) and carries(plan, seen, status.previous_weight):
        return ""
    return (
        f"the weights of {plan.model} are {told(seen.weights)}, and this rollout set "
        f"{plan.old_slot} {FULL - status.weight}, {plan.new_slot} {status.weight}: somebody else changed them"
    )


_PHASES: dict[Phase, Callable[[Plan, Status, Observation, float], Decision]] = {
    Phase.PREPARING: preparing,
    Phase.SCALING: scaling,
    Phase.SHIFTING: shifting,
    Phase.BAKING: baking,
    Phase.PAUSED: paused,
    Phase.KEEPING: keeping,
    Phase.DRAINING: draining,
    Phase.RESTORING: restoring,
    Phase.RETURNING: returning,
    Phase.CLEARING: clearing,
}
