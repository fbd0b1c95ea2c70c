"""An engine's metrics page, parsed by Prometheus' own parser and asked by name.

One malformed page must not look like an idle engine: it raises, and counts as not read.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from infra.agent.config import Reading

Labels = tuple[tuple[str, str], ...]
"""Sorted by name."""

_TOTAL = "_total"


@dataclass(frozen=True)
class Sample:
    """One line of the page."""

    labels: Labels
    value: float

    def matches(self, patterns: Labels) -> bool:
        """Whether each named label matches its regular expression in full; an absent label is empty."""
        own = dict(self.labels)
        return all(re.fullmatch(pattern, own.get(name, "")) for name, pattern in patterns)


@dataclass(frozen=True)
class Exposition:
    """Samples by name, and the names of all metrics, those without a sample included."""

    samples: Mapping[str, tuple[Sample, ...]]
    names: frozenset[str]

    def select(self, name: str, labels: Labels = ()) -> tuple[Sample, ...]:
        """The samples of a name whose labels match; the parser adds _total where a counter has none."""
        found = self.samples.get(name) or self.samples.get(name + _TOTAL, ())
        return tuple(sample for sample in found if sample.matches(labels))

    def has(self, name: str) -> bool:
        """Whether the page has the metric, be it without a sample yet."""
        return name in self.names or name.removesuffix(_TOTAL) in self.names

    def wanted(self, readings: Collection[Reading]) -> Iterator[Reading]:
        """The readings that are for this version of the engine."""
        return (reading for reading in readings if not (reading.unless and self.has(reading.unless)))


def parse(text: str) -> Exposition:
    """The page; raises ValueError when it isn't in Prometheus' text format."""
    # Within the function: the package starts in 50 ms, which the engine needn't wait for.
    from prometheus_client.parser import text_string_to_metric_families

    samples: dict[str, list[Sample]] = {}
    names: set[str] = set()
    for family in text_string_to_metric_families(text):
        names.add(family.name)
        for sample in family.samples:
            if math.isnan(sample.value):
                continue
            one = Sample(tuple(sorted(sample.labels.items())), float(sample.value))
            samples.setdefault(sample.name, []).append(one)
    return Exposition({name: tuple(each) for name, each in samples.items()}, frozenset(names))


def total(text: str, names: Collection[str]) -> int | None:
    """Sum of the named gauges, rounded up; None if there is no sample of any, or the page can't be read."""
    try:
        page = parse(text)
    except ValueError:
        return None
    values = [sample.value for name in names for sample in page.select(name) if math.isfinite(sample.value)]
    return math.ceil(sum(values)) if values else None
