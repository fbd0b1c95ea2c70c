"""What becomes of a person's wish: carried out, kept until the shift is over, or of no effect."""

from collections.abc import Callable
from dataclasses import replace

from infra.rollout.forward import failed, onward
from infra.rollout.retreat import go_back
from infra.rollout.types import (
    Asked,
    Cause,
    Decision,
    Enter,
    Observation,
    Phase,
    Plan,
    Request,
    Status,
)

WATCHDOG = "watchdog"
"""Who asks in the name of a driver that is gone."""
_SHORT = (Phase.PREPARING, Phase.SHIFTING)
"""Over in seconds: a wish to stop or to jump waits for that."""


def answer(plan: Plan, status: Status, seen: Observation, now: float) -> Decision | None:
    """The move that a waiting request leads to; None when there is none, or not yet."""
    request = seen.request
    if request is None or request.id == status.handled:
        return None
    return _ANSWERS[request.asked](plan, replace(status, handled=request.id), seen, now, request)


Answerer = Callable[[Plan, Status, Observation, float, Request], Decision | None]


def _abort(plan: Plan, status: Status, seen: Observation, now: float, request: Request) -> Decision:
    if status.phase.back:
        return Enter(status=status)
    watchdog = request.by == WATCHDOG
    cause = Cause.WATCHDOG if watchdog else Cause.USER
    return go_back(status, now, cause, "nobody drove it any more" if watchdog else f"aborted by {request.by}")


def _pause(plan: Plan, status: Status, seen: Observation, now: float, request: Request) -> Decision | None:
    if status.phase in _SHORT:
        return None
    if status.phase not in (Phase.SCALING, Phase.BAKING):
        return Enter(status=status)
    why = f"paused by {request.by}: `llmctl resume` goes on, `llmctl abort` goes back"
    return Enter(status=replace(status, phase=Phase.PAUSED, since=now, reason=why))


def _resume(plan: Plan, status: Status, seen: Observation, now: float, request: Request) -> Decision:
    """From a pause after a passed step on; else where it was: the step's replicas, then its whole bake."""
    if status.phase is not Phase.PAUSED:
        return Enter(status=status)
    if status.passed:
        return _next(plan, status, seen, now)
    set_already = status.weight == plan.steps[status.step].weight
    phase = Phase.BAKING if set_already else Phase.SCALING
    return Enter(status=replace(status, phase=phase, since=now, reason="", cause=None))


def _promote(plan: Plan, status: Status, seen: Observation, now: float, request: Request) -> Decision | None:
    if status.phase not in (Phase.BAKING, Phase.PAUSED):
        return Enter(status=status)
    if status.weight != plan.steps[status.step].weight:
        return _resume(plan, status, seen, now, request)
    return _next(plan, status, seen, now)


def _promote_full(
    plan: Plan, status: Status, seen: Observation, now: float, request: Request
) -> Decision | None:
    if status.phase in _SHORT:
        return None
    if status.phase not in (Phase.SCALING, Phase.BAKING, Phase.PAUSED):
        return Enter(status=status)
    last = len(plan.steps) - 1
    if status.weight == plan.steps[last].weight:
        return _next(plan, status, seen, now)
    full = replace(status, phase=Phase.SCALING, since=now, step=last, passed=False, reason="", cause=None)
    return Enter(status=full)


def _finish(plan: Plan, status: Status, seen: Observation, now: float, request: Request) -> Decision:
    if status.phase is not Phase.KEEPING:
        return Enter(status=status)
    return Enter(status=replace(status, phase=Phase.DRAINING, since=now))


def _next(plan: Plan, status: Status, seen: Observation, now: float) -> Decision:
    """A failing gate has the last word, whoever promotes.

    At the last step the records change first; the request waits until that is done.
    """
    return failed(plan, status, seen, now) or onward(plan, status, seen, now)


_ANSWERS: dict[Asked, Answerer] = {
    Asked.PAUSE: _pause,
    Asked.RESUME: _resume,
    Asked.PROMOTE: _promote,
    Asked.PROMOTE_FULL: _promote_full,
    Asked.ABORT: _abort,
    Asked.FINISH: _finish,
}
