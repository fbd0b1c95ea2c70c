"""Traffic of two releases, made up: seeded samples, as the ladders and counts that CloudWatch would give."""

import random
from collections.abc import Sequence

from infra.metrics.measure import LADDER
from infra.rollout.measured import Distribution, Measured, Measurements, Window

WINDOW = Window(since=0.0, until=60.0)


def distribution(values: Sequence[float]) -> Distribution:
    """What CloudWatch tells of these values."""
    ordered = sorted(values)

    def at(percent: float) -> float:
        place = percent / 100 * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (place - low)

    return Distribution(count=len(ordered), ladder=tuple((float(each), at(each)) for each in LADDER))


def times(draw: random.Random, count: int, typical: float, spread: float = 0.25) -> Distribution:
    """Times around `typical` seconds, with the long tail that such times have."""
    return distribution([draw.lognormvariate(0, spread) * typical for _ in range(count)])


def release(
    draw: random.Random,
    requests: int,
    *,
    errors: float = 0.0,
    slower: float = 1.0,
    failures: int = 0,
    score: float = 0.8,
) -> Measured:
    """A release that serves `requests`; `errors` is a share, `slower` a factor on all times."""
    return Measured(
        requests=requests,
        errors=sum(draw.random() < errors for _ in range(requests)),
        engine_failures=failures,
        times={
            "latency": times(draw, requests, 1.0 * slower),
            "ttft": times(draw, requests, 0.2 * slower),
            "tpot": times(draw, requests, 0.02 * slower),
        },
        speeds=tuple(50 / slower * draw.lognormvariate(0, 0.1) for _ in range(12)),
        scores={f"p{number}": float(draw.random() < score) for number in range(40)},
    )


def measured(old: Measured, new: Measured) -> Measurements:
    """Both."""
    return Measurements(window=WINDOW, old=old, new=new)
