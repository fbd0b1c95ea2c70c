"""From a histogram's buckets to values with counts, of which CloudWatch can take true percentiles.

A histogram tells how many observations lay in each bucket (l, u], and the sum of all of them. CloudWatch
wants values. In each bucket with c observations we place n = min(c, 20) points, evenly: at q_j = (j + 1/2) /
n of the bucket's width, each with c / n observations (as whole numbers, the rest spread evenly). Where the
next bucket is empty the points keep away from that bound by a quarter of the width: a distribution seldom
ends exactly on a bound, and what lies in a single bucket lies close together.

Placed so, the points have a mean M0, the observations a known mean T = sum / count. One parameter t in [-1,
1] moves all points within their buckets, and keeps their order:

    t >= 0:  q' = q + t (1 - q)    towards the upper bound, which t = 1 reaches
    t <  0:  q' = q (1 + t)        towards the lower bound, which t = -1 reaches

The mean is linear in t on either side. With U the mean if every point were at its upper bound, and L at its
lower:

    t = (T - M0) / (U - M0)  if T >= M0,  else  t = (T - M0) / (M0 - L)

so the points' mean is exactly T whenever L <= T <= U, which holds for every honest histogram. Counts are
exact, and a percentile is never in another bucket than the true one. A single observation is exact.

The last bucket has no upper bound. Its observations are put at one point, which takes what is left of the sum
when all others are where they were first placed, and is at least the last bound; then it stays there.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

POINTS = 20
"""At most, in each bucket: a percentile of a wide bucket is then off by no more than the spread is."""
_MARGIN = 0.25

Values = dict[float, float]
"""Counts by value."""


@dataclass(frozen=True)
class Bucket:
    """Observations within (low, high]; `high` may be infinite."""

    low: float
    high: float
    count: float


@dataclass(frozen=True)
class _Point:
    low: float
    width: float
    share: float
    count: float

    def at(self, shift: float) -> float:
        moved = self.share + shift * (1 - self.share) if shift >= 0 else self.share * (1 + shift)
        return self.low + self.width * moved


def buckets(cumulative: Mapping[float, float]) -> tuple[Bucket, ...]:
    """Buckets, in order, from counts by upper bound (`le`), each of which includes those below."""
    found: list[Bucket] = []
    low, below = 0.0, 0.0
    for high, count in sorted(cumulative.items()):
        found.append(Bucket(min(low, high), high, max(0.0, count - below)))
        low, below = high, max(below, count)
    return tuple(found)


def spread(found: tuple[Bucket, ...], total: float | None) -> Values:
    """Values with counts, whose sum is `total` as nearly as the buckets allow; None: it isn't known."""
    points = [point for index in range(len(found)) for point in _place(found, index)]
    tail = found[-1] if found and math.isinf(found[-1].high) and found[-1].count else None
    values: Values = {}
    if tail is not None:
        rest = tail.low if total is None else total - sum(point.count * point.at(0) for point in points)
        at = max(tail.low, rest / tail.count)
        values[at] = tail.count
        total = None if total is None else total - at * tail.count
    shift = _shift(points, total)
    for point in points:
        value = point.at(shift)
        values[value] = values.get(value, 0.0) + point.count
    return values


def _place(found: tuple[Bucket, ...], index: int) -> list[_Point]:
    bucket = found[index]
    if not bucket.count or math.isinf(bucket.high):
        return []
    start = 0.0 if index > 0 and found[index - 1].count else _MARGIN
    end = 1.0 if index + 1 < len(found) and found[index + 1].count else 1 - _MARGIN
    number = max(1, min(POINTS, math.floor(bucket.count)))
    width = bucket.high - bucket.low
    return [
        _Point(bucket.low, width, start + (end - start) * (j + 0.5) / number, _part(bucket.count, number, j))
        for j in range(number)
    ]


def _part(count: float, number: int, index: int) -> float:
    """The index-th of `number` parts of a count: whole if the count is, and adding up to it."""
    if count != math.floor(count):
        return count / number
    return float(math.floor(count * (index + 1) / number) - math.floor(count * index / number))


def _shift(points: list[_Point], total: float | None) -> float:
    if total is None or not points:
        return 0.0
    placed = sum(point.count * point.at(0) for point in points)
    bound = sum(point.count * point.at(1 if total >= placed else -1) for point in points)
    if bound == placed:
        return 0.0
    return math.copysign(min(1.0, abs((total - placed) / (bound - placed))), total - placed)


def condense(values: Values, limit: int) -> Values:
    """At most `limit` values, by joining neighbours at their mean; counts and sum stay as they are.

    Each but the last of the joined has at least 1 / (limit - 1) of all observations, so that a percentile
    moves by less than that share.
    """
    if len(values) <= limit:
        return dict(values)
    least = sum(values.values()) / (limit - 1)
    joined: Values = {}
    count = total = 0.0
    for value, number in sorted(values.items()):
        count, total = count + number, total + value * number
        if count >= least:
            joined[total / count] = joined.get(total / count, 0.0) + count
            count = total = 0.0
    if count:
        joined[total / count] = joined.get(total / count, 0.0) + count
    return joined
