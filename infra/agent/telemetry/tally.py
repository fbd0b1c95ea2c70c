"""What happened in a while, by metric: it adds up, so that what could not be published joins the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.agent.telemetry.spread import Values, condense

LIMIT = 150
"""Different values that CloudWatch takes in one datum."""

Bounds = tuple[float, float]


@dataclass
class Histogram:
    """Observations by bucket, and their sum."""

    buckets: dict[Bounds, float] = field(default_factory=dict)
    total: float = 0.0

    def add(self, other: "Histogram") -> None:
        """Add another's observations."""
        for bounds, count in other.buckets.items():
            self.buckets[bounds] = self.buckets.get(bounds, 0.0) + count
        self.total += other.total


@dataclass
class Tally:
    """Sums of counts; and values with how often each was seen, of gauges and times."""

    counts: dict[str, float] = field(default_factory=dict)
    values: dict[str, Values] = field(default_factory=dict)
    histograms: dict[str, Histogram] = field(default_factory=dict)
    """The buckets of the same times, as the engine has them: for Prometheus."""

    def count(self, metric: str, number: float) -> None:
        """So many more."""
        self.counts[metric] = self.counts.get(metric, 0.0) + number

    def value(self, metric: str, value: float, times: float = 1.0) -> None:
        """Seen once, or so often."""
        seen = self.values.setdefault(metric, {})
        seen[value] = seen.get(value, 0.0) + times

    def add(self, other: "Tally") -> None:
        """Add all that happened in another while; memory stays bounded."""
        for metric, number in other.counts.items():
            self.count(metric, number)
        for metric, seen in other.values.items():
            for value, times in seen.items():
                self.value(metric, value, times)
            if len(self.values[metric]) > 4 * LIMIT:
                self.values[metric] = condense(self.values[metric], LIMIT)
        for metric, histogram in other.histograms.items():
            self.histograms.setdefault(metric, Histogram()).add(histogram)

    def last(self, metric: str) -> Mapping[float, float]:
        """The values of a metric; none if there are none."""
        return self.values.get(metric, {})
