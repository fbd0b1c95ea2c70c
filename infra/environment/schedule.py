"""Which minimum of replicas is in force when: the last scheduled one whose time has come. Pure; UTC inside.

AWS carries the schedule out on the live slot; this answers what it must have done by now, so that a deploy in
the middle of the day doesn't take the morning's replicas away.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim

from infra.environment.model import Model, ScheduledMinimum

_TICK = timedelta(seconds=1)


def minimum_in_force(model: Model, now: datetime) -> int:
    """Replicas that the model must have at least; replicas.min until an entry has ever come."""
    fired = [(time, entry.min) for entry in model.replicas.schedule if (time := last_time(entry, now))]
    return max(fired, key=lambda pair: pair[0])[1] if fired else model.replicas.min


def last_time(entry: ScheduledMinimum, now: datetime) -> datetime | None:
    """When the entry came last, `now` included; None if its date never comes."""
    local = now.replace(microsecond=0).astimezone(ZoneInfo(entry.timezone)) + _TICK
    found = next(CronSim(entry.cron, local, reverse=True), None)
    return found.astimezone(UTC) if found else None


def next_times(entry: ScheduledMinimum, start: datetime, count: int) -> Iterator[datetime]:
    """The next times after `start`. Raises `CronSimError` for what is no cron expression."""
    times = CronSim(entry.cron, start.astimezone(ZoneInfo(entry.timezone)))
    return (time.astimezone(UTC) for time in islice(times, count))
