"""Tests that tell a worse release from noise. Seeded: the same numbers, the same verdict.

Every test gives a z: how many standard deviations the new release is beyond what is allowed. Which z is
enough is decided in one place, `boundary`, because a gate is asked again and again while a step bakes.
"""

import math
import random
from collections.abc import Sequence
from itertools import pairwise
from statistics import NormalDist, fmean, stdev

from infra.rollout.measured import Distribution

FINAL_Z = 3.0
"""At the end of a bake: one healthy step of 741 is taken for worse by one gate that allows no margin."""
_DRAWS = 500
_SEED = 20
_LEAST_SPREAD = 0.01
"""Of a logarithm, so about 1 %: a ladder of percentiles is no finer than that."""
_LEAST_PERIODS = 4
_NORMAL = NormalDist()


def boundary(fraction: float) -> float:
    """The z that fails a gate after this share of the bake.

    O'Brien and Fleming, Biometrics 35 (1979): looks at a share t of the data need z / sqrt(t), which keeps
    the chance of a false alarm over all looks close to that of the last one alone.
    """
    return FINAL_Z / math.sqrt(max(fraction, 1e-6))


def z_of(probability: float) -> float:
    """The z whose upper tail has this probability."""
    return -_NORMAL.inv_cdf(min(max(probability, 1e-300), 1 - 1e-16))


def more_errors(new_errors: int, new: int, old_errors: int, old: int) -> float:
    """Z of so many errors among `new` requests if both releases were equally bad.

    Fisher's exact test, one-sided (Fisher, 1922): given all errors, those of the new release follow a
    hypergeometric distribution. Exact for the few errors that a short step sees.
    """
    errors, requests = new_errors + old_errors, new + old
    logs = [
        _log_choose(new, count) + _log_choose(old, errors - count) - _log_choose(requests, errors)
        for count in range(new_errors, min(errors, new) + 1)
    ]
    return z_of(min(1.0, math.fsum(map(math.exp, logs))))


def too_many_errors(errors: int, requests: int, allowed: float) -> float:
    """The z of so many errors if requests failed with the allowed probability (exact binomial test)."""
    if allowed >= 1:
        return 0.0
    if allowed <= 0:
        return math.inf if errors else -math.inf
    hit, miss = math.log(allowed), math.log1p(-allowed)
    fewer = math.fsum(
        math.exp(_log_choose(requests, count) + count * hit + (requests - count) * miss)
        for count in range(errors)
    )
    return z_of(1.0 - fewer)


def percentile(distribution: Distribution, rank: float) -> float:
    """Value at a rank (0 to 1), between the rungs of the ladder in a straight line."""
    ladder = distribution.ladder
    at = rank * 100
    if at <= ladder[0][0]:
        return ladder[0][1]
    for (low, below), (high, above) in pairwise(ladder):
        if at <= high:
            return below + (above - below) * (at - low) / (high - low)
    return ladder[-1][1]


def slower(new: Distribution, old: Distribution, rank: float, factor: float) -> float:
    """The z of the new release's percentile beyond `factor` times the old one's."""
    centre = _log(percentile(new, rank)) - _log(percentile(old, rank)) - math.log(factor)
    return centre / math.hypot(_spread(new, rank), _spread(old, rank))


def too_slow(new: Distribution, rank: float, allowed: float) -> float:
    """The z of a percentile beyond an absolute bound."""
    if allowed <= 0:
        return math.inf
    return (_log(percentile(new, rank)) - math.log(allowed)) / _spread(new, rank)


def lower(new: Sequence[float], old: Sequence[float], factor: float) -> float | None:
    """The z of the mean of `new` below `factor` times that of `old`; None: too few periods (Welch, 1947)."""
    if min(len(new), len(old)) < _LEAST_PERIODS or min(fmean(new), fmean(old)) <= 0 or factor <= 0:
        return None
    spread = max(_LEAST_SPREAD, math.hypot(_relative_error(new), _relative_error(old)))
    return (math.log(fmean(old) * factor) - math.log(fmean(new))) / spread


def below(values: Sequence[float], allowed: float, least_error: float = 0.0) -> float:
    """The z of the mean of `values` below an absolute bound; `least_error`: of the mean, at least."""
    error = max(stdev(values) / math.sqrt(len(values)), least_error, 1e-9)
    return (allowed - fmean(values)) / error


def _spread(distribution: Distribution, rank: float) -> float:
    """Standard error of the logarithm of a percentile.

    The k-th of n samples has a rank that follows Beta(k, n + 1 - k) (David and Nagaraja, Order Statistics,
    2003, 2.1), so values at ranks drawn from it are what other samples of this size would have shown: a
    smoothed bootstrap that needs the distribution and not the samples.
    """
    count = distribution.count
    k = min(max(math.ceil(rank * count), 1), count)
    draw = random.Random(_SEED)  # noqa: S311 - no secret: the same numbers must give the same verdict
    logs = [_log(percentile(distribution, draw.betavariate(k, count + 1 - k))) for _ in range(_DRAWS)]
    return max(stdev(logs), _LEAST_SPREAD)


def _relative_error(values: Sequence[float]) -> float:
    return stdev(values) / math.sqrt(len(values)) / fmean(values)


def _log(seconds: float) -> float:
    return math.log(max(seconds, 1e-6))


def _log_choose(n: int, k: int) -> float:
    if not 0 <= k <= n:
        return -math.inf
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
