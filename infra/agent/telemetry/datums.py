"""A tally as the data of one PutMetricData request.

Every metric goes to the levels of its catalogue entry, but to the replica's: that is cheaper as a line in the
log. A level whose dimensions aren't all known is left out: CloudWatch would take a wrong one for another
metric, and bill it. The whole catalogue on all levels, each with the most values, stays below the limits of
one request (1000 metrics, 1 MB), so that a publication is taken as a whole or not at all.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from infra.agent.catalogue import METRICS, Level, Metric
from infra.agent.telemetry.spread import Values, condense
from infra.agent.telemetry.tally import LIMIT, Tally

PUBLISHED = (Level.MODEL, Level.SLOT, Level.RELEASE)


@dataclass(frozen=True, kw_only=True)
class Who:
    """Whose metrics these are: the values of all dimensions; empty: not known."""

    environment: str
    model: str
    slot: str
    release: str
    replica: str

    def dimensions(self, level: Level) -> Mapping[str, str] | None:
        """The dimensions of a level; None while one of them isn't known."""
        known = asdict(self)
        found = {name: known[name] for name in level.value}
        return found if all(found.values()) else None

    @property
    def leaving(self) -> "Who":
        """The name for what is recorded once the replica was told to go: not its release's.

        Releases are judged by that level, and leaving isn't their fault.
        """
        return replace(self, release="")


def datums(tally: Tally, who: Who, at: datetime, *, resolution: int) -> list[dict[str, Any]]:
    """`MetricData` of a PutMetricData request."""
    data = []
    for name, metric in METRICS.items():
        values = condense(published(tally, metric), LIMIT)
        if not values:
            continue
        for dimensions in _wanted(metric, who):
            data.append(
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                    "Timestamp": at,
                    "Values": list(values),
                    "Counts": list(values.values()),
                    "Unit": metric.unit,
                    "StorageResolution": resolution,
                }
            )
    return data


def published(tally: Tally, metric: Metric) -> Values:
    """Values with counts; a count is one value. Nothing that CloudWatch would refuse the request for."""
    if metric.name in tally.counts:
        return {max(0.0, tally.counts[metric.name]): 1.0}
    values = tally.last(metric.name).items()
    return {value: times for value, times in values if math.isfinite(value) and value >= 0 and times > 0}


def _wanted(metric: Metric, who: Who) -> Iterator[Mapping[str, str]]:
    for level in PUBLISHED:
        if level in metric.levels and (dimensions := who.dimensions(level)):
            yield dimensions
