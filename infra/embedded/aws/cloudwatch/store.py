"""Datapoints of every metric of the emulated cloud, in bounded memory.

Each second of a metric is one `Summary`: count, sum, bounds and the weighted values that percentiles need.
After three hours (earlier, if there are very many) seconds are merged into minutes, after a day they are
dropped; at most `_VALUES` distinct values are kept of a second or minute, beyond that its percentiles are
gone and its statistics stay exact. It knows real time only, and nothing of periods, alarms or API calls.
Callers hold the package's lock.
"""

import bisect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

SECONDS_KEPT = 3 * 3600
"""Real seconds for which a metric is kept by the second."""
MINUTES_KEPT = 24 * 3600
"""Real seconds after which a datapoint is forgotten."""
_MINUTE = 60
_VALUES = 3000
_SUMMARIES = 500_000
"""With more than that, about 100 MB, seconds are merged earlier; the last five minutes never."""
_SECONDS_LEAST = 300
_COMPACT_EVERY = 300

Dimensions = tuple[tuple[str, str], ...]
"""Names and values, sorted: equal sets are equal keys."""


@dataclass(frozen=True, order=True)
class MetricKey:
    """What identifies a metric."""

    namespace: str
    name: str
    dimensions: Dimensions


def key(namespace: str, name: str, dimensions: Mapping[str, str]) -> MetricKey:
    """The key of a metric, whatever the order of its dimensions."""
    return MetricKey(namespace, name, tuple(sorted(dimensions.items())))


@dataclass(slots=True)
class Summary:
    """What is known of the samples of some time."""

    count: float = 0.0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    exact: bool = True
    """Whether the values are known; of a statistic set only the statistics are."""
    _several: dict[float, float] | None = None
    """Values and how often each was seen; None while there is but one: most seconds have one."""

    @property
    def values(self) -> dict[float, float] | None:
        """Values and how often each was seen, None where they are not known. Not to be changed."""
        if not self.exact:
            return None
        return self._several or ({self.low: self.count} if self.count else {})

    def add(self, value: float, count: float) -> None:
        """Take in a value that was seen `count` times."""
        self._remember({value: count})
        self.count += count
        self.total += value * count
        self.low = min(self.low, value)
        self.high = max(self.high, value)

    def merge(self, other: "Summary") -> None:
        """Take in the samples of another time, or a statistic set."""
        values = other.values
        if values is None:
            self.exact, self._several = False, None
        else:
            self._remember(values)
        self.count += other.count
        self.total += other.total
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)

    def _remember(self, values: Mapping[float, float]) -> None:
        """Take in values; to be called before the statistics change."""
        if not self.exact or (self._several is None and all(value == self.low for value in values)):
            return
        if self._several is None:
            if not self.count and len(values) == 1:
                return
            self._several = {self.low: self.count} if self.count else {}
        for value, count in values.items():
            self._several[value] = self._several.get(value, 0.0) + count
        if len(self._several) > _VALUES:
            self.exact, self._several = False, None


def statistic_set(count: float, total: float, low: float, high: float) -> Summary:
    """Summary of a statistic set: its values are known only if they are all the same, as on AWS."""
    return Summary(count, total, low, high, exact=low == high)


@dataclass(slots=True)
class Series:
    """A metric in one unit: summaries by real second, seconds in order."""

    unit: str
    summaries: dict[int, Summary] = field(default_factory=dict)
    times: list[int] = field(default_factory=list)

    def put(self, at: float, summary: Summary) -> None:
        """Add samples to the second that `at` (epoch seconds) is in."""
        second = math.floor(at)
        known = self.summaries.get(second)
        if known is not None:
            known.merge(summary)
            return
        self.summaries[second] = summary
        if not self.times or second > self.times[-1]:
            self.times.append(second)
        else:
            bisect.insort(self.times, second)

    def between(self, start: float, end: float) -> Iterator[tuple[int, Summary]]:
        """Seconds from `start` on and before `end`, oldest first."""
        low = bisect.bisect_left(self.times, start)
        for second in self.times[low : bisect.bisect_left(self.times, end)]:
            yield second, self.summaries[second]

    def compact(self, now: float, kept: float) -> None:
        """Forget what is too old, and merge what is older than `kept` seconds into minutes."""
        forgotten = bisect.bisect_left(self.times, now - MINUTES_KEPT)
        for second in self.times[:forgotten]:
            del self.summaries[second]
        del self.times[:forgotten]
        old = bisect.bisect_left(self.times, math.floor(now - kept) // _MINUTE * _MINUTE)
        minutes: list[int] = []
        for second in self.times[:old]:
            minute = second - second % _MINUTE
            if minutes and minutes[-1] == minute:
                self.summaries[minute].merge(self.summaries.pop(second))
            else:
                self.summaries[minute] = self.summaries.pop(second)
                minutes.append(minute)
        self.times[:old] = minutes


class Store:
    """All metrics of one account in one region."""

    def __init__(self) -> None:
        self._metrics: dict[MetricKey, dict[str, Series]] = {}
        self._compacted = -math.inf

    def put(self, metric: MetricKey, unit: str, at: float, summary: Summary) -> None:
        """Add samples of a metric; `at` is epoch seconds. Takes the summary over."""
        units = self._metrics.setdefault(metric, {})
        series = units.get(unit)
        if series is None:
            series = units[unit] = Series(unit)
        series.put(at, summary)

    def series(self, metric: MetricKey, unit: str | None = None) -> Sequence[Series]:
        """The metric's series: of one unit, or of all if none is named."""
        units = self._metrics.get(metric, {})
        if unit is None:
            return tuple(units.values())
        return (units[unit],) if unit in units else ()

    def metrics(self) -> list[MetricKey]:
        """Every metric that has a datapoint, in order."""
        return sorted(self._metrics)

    def latest(self, metric: MetricKey) -> float:
        """Epoch seconds of a known metric's last datapoint."""
        return max(series.times[-1] for series in self._metrics[metric].values())

    def compact(self, now: float) -> None:
        """Give back the memory of old datapoints, at most every five minutes; `now` is epoch seconds."""
        if now - self._compacted < _COMPACT_EVERY:
            return
        self._compacted = now
        kept = float(SECONDS_KEPT)
        self._compact(now, kept)
        while self._size() > _SUMMARIES and kept > _SECONDS_LEAST:
            kept /= 2
            self._compact(now, kept)

    def _size(self) -> int:
        return sum(len(series.times) for units in self._metrics.values() for series in units.values())

    def _compact(self, now: float, kept: float) -> None:
        for metric, units in list(self._metrics.items()):
            for unit, series in list(units.items()):
                series.compact(now, kept)
                if not series.times:
                    del units[unit]
            if not units:
                del self._metrics[metric]
