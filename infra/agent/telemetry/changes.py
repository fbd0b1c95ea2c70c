"""What happened between two looks at an engine's page.

Counters only grow, so a value that fell was reset: what it shows now happened since. An engine that was
started anew has a `generation` of its own, and its first page counts from zero, even where its counters have
already passed the old ones. Of a page whose engine the agent did not start (generation 0) the first look is
only the baseline. A series that appears later in a page counts from zero.
"""

import math
from dataclasses import dataclass, field

from infra.agent.catalogue import METRICS, Kind, Metric
from infra.agent.config import Launch, Reading
from infra.agent.telemetry.exposition import Exposition, Labels, Sample
from infra.agent.telemetry.spread import Values, buckets, spread
from infra.agent.telemetry.tally import Histogram, Tally

_Series = tuple[str, str, Labels]
_NUMBER_LIMIT = 1e15
"""Larger is nonsense: CloudWatch takes no infinities."""


@dataclass
class Changes:
    """Remembers the last look. Not thread-safe."""

    launch: Launch
    _seen: dict[_Series, float] = field(default_factory=dict)
    _generation: int = 0
    _baseline: bool = True

    def look(self, page: Exposition, generation: int) -> Tally:
        """What happened since the last look at this engine."""
        if generation != self._generation:
            self._seen, self._generation, self._baseline = {}, generation, False
        found, before, self._seen = Tally(), self._seen, {}
        for reading in page.wanted(self.launch.readings):
            metric = METRICS[reading.metric]
            match metric.kind:
                case Kind.COUNT:
                    self._count(found, reading, page, before)
                case Kind.TIMES:
                    self._times(found, reading, page, before)
        # Series that a page leaves out for once are not forgotten: they would count twice when they are back.
        self._seen = before | self._seen
        self._baseline = False
        _gauges(found, page, self.launch)
        return found

    def _delta(self, before: dict[_Series, float], metric: str, name: str, sample: Sample) -> float:
        key = (metric, name, sample.labels)
        value = min(sample.value, _NUMBER_LIMIT)
        self._seen[key] = value
        if self._baseline:
            return 0.0
        last = before.get(key, 0.0)
        return value - last if value >= last else max(0.0, value)

    def _count(self, found: Tally, reading: Reading, page: Exposition, before: dict[_Series, float]) -> None:
        # Counters come to life with their first event: a known metric without a series stands at zero.
        found.count(reading.metric, 0.0)
        for sample in page.select(reading.sample, reading.labels):
            found.count(
                reading.metric,
                self._delta(before, reading.metric, reading.sample, sample) * reading.scale,
            )

    def _times(self, found: Tally, reading: Reading, page: Exposition, before: dict[_Series, float]) -> None:
        cumulative: dict[float, float] = {}
        for sample in page.select(f"{reading.sample}_bucket", reading.labels):
            high = float(dict(sample.labels).get("le", "nan")) * reading.scale
            if not math.isnan(high):
                delta = self._delta(before, reading.metric, f"{reading.sample}_bucket", sample)
                cumulative[high] = cumulative.get(high, 0.0) + delta
        sums = page.select(f"{reading.sample}_sum", reading.labels)
        total = sum(
            self._delta(before, reading.metric, f"{reading.sample}_sum", sample) * reading.scale
            for sample in sums
        )
        if not any(cumulative.values()):
            return
        placed = buckets(cumulative)
        for value, times in _rounded(spread(placed, total if sums else None)).items():
            found.value(reading.metric, value, times)
        one = Histogram({(each.low, each.high): each.count for each in placed}, total)
        found.histograms.setdefault(reading.metric, Histogram()).add(one)


def _gauges(found: Tally, page: Exposition, launch: Launch) -> None:
    """Counts of several samples add up; of shares (one for each part of the engine) the mean is taken."""
    read: dict[str, list[float]] = {}
    for reading in page.wanted(launch.readings):
        metric = METRICS[reading.metric]
        if metric.kind is Kind.GAUGE:
            samples = page.select(reading.sample, reading.labels)
            values = [each.value * reading.scale for each in samples if math.isfinite(each.value)]
            read.setdefault(reading.metric, []).extend(values)
    for name, values in read.items():
        if values:
            found.value(name, _combined(METRICS[name], values))


def _combined(metric: Metric, values: list[float]) -> float:
    whole = sum(values) / len(values) if metric.unit == "Percent" else sum(values)
    return round(max(0.0, whole), 3)


def _rounded(values: Values) -> Values:
    """Nine digits are enough, and shorter on the way."""
    found: Values = {}
    for value, times in values.items():
        short = float(f"{value:.9g}")
        found[short] = found.get(short, 0.0) + times
    return found
