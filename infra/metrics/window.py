"""Which stretch of time is looked at, and how finely. Pure: CloudWatch's rules of retention, and good sense.

Only whole periods count: one that still fills would look like a drop in traffic.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from infra.environment.base import seconds
from infra.environment.model import Environment

_DAY = 86_400
_MINUTE = 60
_FINE_UP_TO = 30 * 60
"""CloudWatch keeps periods below a minute for three hours, but who looks at hours wants no seconds."""
_PERIODS = ((3 * 3600, 60), (_DAY, 300), (7 * _DAY, 3600))
"""(windows up to so long, period), in seconds: never more than some 300 points."""
_LONGEST_PERIOD = 6 * 3600
_RETENTION = ((15 * _DAY, 60), (63 * _DAY, 300))
"""(age, shortest period that is still kept up to it), in seconds."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """From `since` to `until`, whole minutes; fives of them, or hours, where CloudWatch keeps none shorter.

    `latest`: the end of the last whole period, for series.
    """

    since: datetime
    until: datetime
    latest: datetime
    period: int
    """Seconds."""

    @property
    def seconds(self) -> int:
        """Its length."""
        return int((self.until - self.since).total_seconds())


def window(now: datetime, length: float, interval: int) -> Window:
    """The last `length` seconds; `interval` is how often replicas publish, in seconds."""
    period = period_for(length, interval)
    step = max(period, _MINUTE)
    # The whole window is asked for as one period as well, and it reaches back by up to a step more.
    kept = _kept(length + _LONGEST_PERIOD)
    until = now.timestamp() // kept * kept
    since = min(until - _MINUTE, (until - length) // step * step)
    latest = max(until, now.timestamp() // period * period) if period < _MINUTE else until
    return Window(since=_utc(since), until=_utc(until), latest=_utc(latest), period=period)


def period_for(length: float, interval: int) -> int:
    """Seconds of a period: as fine as it is published and kept, as coarse as still can be looked at."""
    if interval < _MINUTE and length <= _FINE_UP_TO:
        return 10 if interval <= 10 else 30
    wanted = next((period for limit, period in _PERIODS if length <= limit), _LONGEST_PERIOD)
    return max(wanted, _kept(length))


def _kept(age: float) -> int:
    """Shortest period of which CloudWatch still has values of that age."""
    return next((period for most, period in _RETENTION if age <= most), 3600)


def refresh_seconds(environment: Environment) -> float:
    """How often it is worth to look again: CloudWatch bills each metric that is read."""
    return min(15.0, max(5.0, seconds(environment.monitoring.interval) / 4))


def _utc(epoch: float) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)
