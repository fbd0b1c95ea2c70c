"""Statistics over a period, from summaries of its seconds. Pure.

A percentile is taken over the weighted values: the samples in order, linearly interpolated between the two
nearest, so that p50 of 1, 2, 3, 4 is 2.5. Of statistic sets only those with known values have percentiles.
"""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence

from infra.embedded.aws.cloudwatch.store import Series, Summary

SIMPLE = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{0,10})?|100)")

Bucket = tuple[float, float, float]
"""What a datapoint is called (its time), and the real epoch seconds from and before which its samples lie."""


class UnknownStatisticError(ValueError):
    """A statistic that does not exist, or not here."""


def check(statistic: str) -> None:
    """Raise UnknownStatisticError for one that can't be computed."""
    if statistic not in SIMPLE and not _PERCENTILE.fullmatch(statistic):
        raise UnknownStatisticError(statistic)


def value(summary: Summary, statistic: str) -> float | None:
    """A statistic of samples, None where it is not known. Raises UnknownStatisticError."""
    if match := _PERCENTILE.fullmatch(statistic):
        return percentile(summary.values, float(match[1]) / 100) if summary.values else None
    known = {
        "SampleCount": summary.count,
        "Average": summary.total / summary.count if summary.count else None,
        "Sum": summary.total,
        "Minimum": summary.low,
        "Maximum": summary.high,
    }
    try:
        return known[statistic]
    except KeyError:
        raise UnknownStatisticError(statistic) from None


def percentile(values: Mapping[float, float], share: float) -> float:
    """Value below which `share` (0 to 1) of the weighted values lie; at least one value."""
    ordered = sorted(values.items())
    ends = list(itertools.accumulate(count for _, count in ordered))
    rank = share * max(ends[-1] - 1, 0)
    low = _sample(ordered, ends, int(rank))
    high = _sample(ordered, ends, int(rank) + 1)
    return low + (high - low) * (rank - int(rank))


def _sample(ordered: Sequence[tuple[float, float]], ends: Sequence[float], index: int) -> float:
    """The sample of that rank, counted from 0."""
    for (sample, _), end in zip(ordered, ends, strict=True):
        if index < end:
            return sample
    return ordered[-1][0]


def summaries(series: Sequence[Series], buckets: Iterable[Bucket]) -> dict[float, Summary]:
    """Samples of all series by bucket; buckets without a sample are left out."""
    found: dict[float, Summary] = {}
    for label, start, end in buckets:
        whole = Summary()
        for one in series:
            for _, summary in one.between(start, end):
                whole.merge(summary)
        if whole.count:
            found[label] = whole
    return found
