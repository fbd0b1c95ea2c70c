"""When a scheduled action runs next, and what it makes of a group's sizes: pure, with time given.

Schedules live in real time, whatever the pace of the emulated monitoring: nine o'clock is nine o'clock.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError


class BadScheduleError(ValueError):
    """A schedule that AWS refuses; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When an action runs. Times are epoch seconds."""

    start: float | None = None
    """The only run; with a recurrence the first one."""
    end: float | None = None
    recurrence: str | None = None
    time_zone: str | None = None
    """IANA name that the recurrence is in; UTC without."""

    def check(self, now: float) -> None:
        """Raise BadScheduleError when it can't be put at `now`."""
        if self.start is None and self.recurrence is None:
            raise BadScheduleError("Either StartTime or Recurrence must be given")
        if self.start is not None and self.start < now:
            raise BadScheduleError("Given start time is in the past")
        if self.end is not None and self.end <= (now if self.start is None else self.start):
            raise BadScheduleError("Given end time is in the past, or before the start time")
        self.next(now)

    def next(self, after: float) -> float | None:
        """The first run after that time, or None: it has run, or has reached its end."""
        if self.start is not None and self.start > after:
            return self._unless_ended(self.start)
        if self.recurrence is None:
            return None
        return self._unless_ended(_next_of(self.recurrence, self.time_zone, after))

    def _unless_ended(self, run: float) -> float | None:
        return None if self.end is not None and run > self.end else run


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Minimum, maximum and desired capacity; None in an action: unchanged."""

    minimum: int | None = None
    maximum: int | None = None
    desired: int | None = None


def applied(now: Sizes, action: Sizes) -> Sizes:
    """A group's sizes after an action. Raises BadScheduleError when they don't fit each other.

    A desired capacity that the action doesn't name stays, unless it is outside of the new bounds: then it
    moves to the nearer one.
    """
    low = (now.minimum or 0) if action.minimum is None else action.minimum
    high = (now.maximum or 0) if action.maximum is None else action.maximum
    if low > high:
        raise BadScheduleError(f"Max bound, {high}, must be greater than or equal to min bound, {low}")
    desired = action.desired
    if desired is None:
        desired = min(max(now.desired or 0, low), high)
    if not low <= desired <= high:
        raise BadScheduleError(
            f"Desired capacity:{desired} must be between the specified min size:{low} and max size:{high}"
        )
    return Sizes(minimum=low, maximum=high, desired=desired)


def _next_of(recurrence: str, time_zone: str | None, after: float) -> float:
    try:
        zone = ZoneInfo(time_zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadScheduleError(f"Given time zone: {time_zone} is invalid") from error
    if len(recurrence.split()) != 5:
        raise BadScheduleError(f"Given recurrence string:{recurrence} is invalid")
    try:
        found = next(CronSim(recurrence, datetime.fromtimestamp(after, zone)))
    except (CronSimError, StopIteration) as error:
        raise BadScheduleError(f"Given recurrence string:{recurrence} is invalid") from error
    return found.astimezone(UTC).timestamp()
