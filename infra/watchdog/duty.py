"""What the watchdog owes a rollout: a pure function of its record and the time.

It never goes forward. Who drives is left alone, and so is a pause: that is a person's word. What is safe
without anybody's judgement, going back and giving up what is no longer needed, is finished soon after its
driver went; anything else is taken back once nobody has driven it for the plan's `watchdog`.
"""

from enum import StrEnum

from infra.rollout.ports import Record
from infra.rollout.types import Asked, Phase, Plan, Status

_GRACE = 10.0
"""Seconds in which somebody who has just let go, or just asked for something, may be about to drive."""
_SAFE = (Phase.DRAINING, Phase.RESTORING, Phase.RETURNING, Phase.CLEARING)
_WISHES = (Asked.ABORT, Asked.FINISH)
"""What may be carried out for a driver that didn't live to do it."""


class Duty(StrEnum):
    """What to do about a rollout."""

    DRIVE = "drive"
    """Drive it from where it is: that goes back, or gives up what isn't needed."""
    ABORT = "abort"
    """Say that it must go back, then drive it."""


def due(record: Record, now: float) -> Duty | None:
    """What to do now; None: nothing."""
    status, lease = record.status, record.lease
    if status.phase.ended or (lease and lease.until > now):
        return None
    silent = now - max(status.since, lease.until if lease else 0.0, record.let_go_at or 0.0)
    if record.request and record.request.asked in _WISHES:
        return Duty.DRIVE if min(silent, now - record.request.at) >= _GRACE else None
    if status.phase is Phase.PAUSED:
        return None
    if status.phase is Phase.KEEPING:
        return Duty.DRIVE if now >= _kept_until(record.plan, status) and silent >= _GRACE else None
    if status.phase in _SAFE:
        return Duty.DRIVE if silent >= _GRACE else None
    return Duty.ABORT if silent >= record.plan.watchdog else None


def _kept_until(plan: Plan, status: Status) -> float:
    return status.since + (0.0 if plan.asleep else plan.keep_previous)
