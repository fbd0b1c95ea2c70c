"""Distributions of several periods become one: percentiles are not averaged, distributions are mixed."""

from collections.abc import Sequence

from infra.rollout.measured import Distribution
from infra.rollout.statistics import percentile

_SLICES = 200
"""Ranks at which each period's distribution is read."""
_NOTHING = Distribution(count=0)


def merged(parts: Sequence[Distribution]) -> Distribution:
    """The distribution of all samples of the parts together, on their ladders' percentiles."""
    parts = [part for part in parts if part.count and part.ladder]
    if len(parts) <= 1:
        return parts[0] if parts else _NOTHING
    values = sorted(
        (percentile(part, (slice_ + 0.5) / _SLICES), part.count / _SLICES)
        for part in parts
        for slice_ in range(_SLICES)
    )
    count = sum(part.count for part in parts)
    lowest = min(part.ladder[0][1] for part in parts)
    highest = max(part.ladder[-1][1] for part in parts)
    ladder = []
    ranks = sorted({percent for part in parts for percent, _ in part.ladder} - {0.0, 100.0})
    passed, at = 0.0, 0
    for rank in ranks:
        while at < len(values) - 1 and passed + values[at][1] < rank / 100 * count:
            passed += values[at][1]
            at += 1
        ladder.append((rank, values[at][0]))
    return Distribution(count=count, ladder=((0.0, lowest), *ladder, (100.0, highest)))
