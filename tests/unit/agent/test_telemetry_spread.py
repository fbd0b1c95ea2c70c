"""Values made of a histogram's buckets: properties that percentiles and averages rest on."""

import bisect
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.agent.telemetry.spread import POINTS, buckets, condense, spread

BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.3, 1.0, 2.5, 10.0)
observations = st.lists(st.floats(0.0001, 30), min_size=1, max_size=200)


def cumulative(values: list[float]) -> dict[float, float]:
    """The histogram that an engine would keep of them."""
    found = {bound: float(sum(value <= bound for value in values)) for bound in BOUNDS}
    return {**found, math.inf: float(len(values))}


def percentile(values: dict[float, float], share: float) -> float:
    """Nearest rank over weighted values."""
    rank, seen = math.ceil(share * sum(values.values())), 0.0
    for value, count in sorted(values.items()):
        seen += count
        if seen >= rank:
            return value
    return max(values)


@given(observations)
def test_count_and_mean_are_exact(observed: list[float]) -> None:
    """Averages and numbers on dashboards are those of the engine, whatever the buckets."""
    made = spread(buckets(cumulative(observed)), sum(observed))
    assert sum(made.values()) == len(observed)
    assert sum(value * count for value, count in made.items()) == pytest.approx(sum(observed), rel=1e-6)
    assert all(value >= 0 for value in made)


@given(observations, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_percentiles_are_in_the_true_bucket(observed: list[float], share: float) -> None:
    """An alarm's percentile is never off by more than the engine's own bucket."""
    made = spread(buckets(cumulative(observed)), sum(observed))
    true = sorted(observed)[math.ceil(share * len(observed)) - 1]
    index = bisect.bisect_left(BOUNDS, true)
    low = BOUNDS[index - 1] if index else 0.0
    high = BOUNDS[index] if index < len(BOUNDS) else math.inf
    assert low <= percentile(made, share) <= high


@given(st.floats(0.0001, 9.9))
def test_a_single_observation_is_exact(value: float) -> None:
    """At low rates percentiles are those of the requests themselves."""
    (made,) = spread(buckets(cumulative([value])), value)
    assert made == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_broad_times_keep_their_percentiles(seed: int) -> None:
    """Times over several buckets, as of answers of different length, come out within a few percent."""
    source = random.Random(seed)
    observed = [source.lognormvariate(-1, 0.9) for _ in range(3000)]
    made = spread(buckets(cumulative(observed)), sum(observed))
    for share in (0.5, 0.9, 0.95):
        true = sorted(observed)[math.ceil(share * len(observed)) - 1]
        assert percentile(made, share) == pytest.approx(true, rel=0.25)


def test_times_within_one_bucket_stay_close_together() -> None:
    """Where neighbours are empty, times lie around their mean and not all over the bucket."""
    made = spread(buckets(cumulative([0.011] * 40)), 0.44)
    assert len(made) == POINTS
    assert max(made) < 0.0116
    assert min(made) > 0.0104


@given(observations)
def test_without_a_sum_values_stay_in_their_buckets(observed: list[float]) -> None:
    """An engine that tells no sum still has counts."""
    made = spread(buckets(cumulative(observed)), None)
    assert sum(made.values()) == len(observed)


def test_impossible_sums_are_bounded_by_the_buckets() -> None:
    """A sum that contradicts its buckets (an engine's rounding) moves no value out of them."""
    made = spread(buckets({0.1: 0, 0.3: 5, math.inf: 5}), 99.0)
    assert max(made) <= 0.3
    assert min(spread(buckets({0.1: 0, 0.3: 5, math.inf: 5}), 0.0)) >= 0.1


@given(st.dictionaries(st.floats(0, 1e4), st.integers(1, 1000).map(float), min_size=1, max_size=400))
def test_condensing_keeps_count_and_sum(values: dict[float, float]) -> None:
    """CloudWatch takes 150 values: no more are made, and averages don't move."""
    made = condense(values, 150)
    assert len(made) <= 150
    assert sum(made.values()) == pytest.approx(sum(values.values()))
    before = sum(value * count for value, count in values.items())
    assert sum(value * count for value, count in made.items()) == pytest.approx(before)
    assert min(values) <= min(made) <= max(made) <= max(values) * (1 + 1e-9)
