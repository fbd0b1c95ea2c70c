"""When requests leave."""

import statistics
from itertools import pairwise

import pytest

from infra.bench.schedule import Arrivals, Schedule, plan


def make(
    arrivals: Arrivals,
    *,
    rate: float = 10.0,
    warmup: float = 2.0,
    duration: float | None = 5.0,
    requests: int | None = None,
    seed: int = 1,
) -> Schedule:
    """A schedule of 10/s: 2 s of warm-up and 5 s, unless told otherwise."""
    return plan(arrivals, rate=rate, warmup=warmup, duration=duration, requests=requests, seed=seed)


def test_constant_arrivals_are_even_and_exact() -> None:
    """The rate asked for is the rate offered, to the last request."""
    schedule = make(Arrivals.CONSTANT)
    assert schedule.offsets == tuple(number / 10 for number in range(70))
    assert (schedule.begin, schedule.end, schedule.measured) == (2.0, 7.0, 50)


def test_poisson_gaps_are_exponential() -> None:
    """Independent users: gaps have mean 1/rate and a coefficient of variation of 1."""
    offsets = make(Arrivals.POISSON, rate=50.0, requests=20_000, duration=None, warmup=0.0).offsets
    gaps = [later - earlier for earlier, later in pairwise(offsets)]
    mean = statistics.mean(gaps)
    # Four standard errors of 20,000 exponential gaps: 4/sqrt(20000) = 2.8 %.
    assert mean == pytest.approx(1 / 50, rel=0.03)
    assert statistics.stdev(gaps) / mean == pytest.approx(1, abs=0.03)
    assert sum(gap > mean for gap in gaps) / len(gaps) == pytest.approx(0.368, abs=0.015)


@pytest.mark.parametrize("arrivals", list(Arrivals))
def test_same_seed_same_schedule(arrivals: Arrivals) -> None:
    """Two servers are compared on the same arrivals."""
    assert make(arrivals) == make(arrivals)


def test_another_seed_is_another_schedule() -> None:
    """Repeating with other seeds shows how much was chance."""
    assert make(Arrivals.POISSON, seed=1).offsets != make(Arrivals.POISSON, seed=2).offsets


@pytest.mark.parametrize("arrivals", list(Arrivals))
def test_a_number_of_requests_counts_only_measured_ones(arrivals: Arrivals) -> None:
    """--requests N measures exactly N, in a window that ends when the next one would leave."""
    schedule = make(arrivals, requests=30, duration=None)
    assert schedule.measured == 30
    assert min(schedule.offsets) < schedule.begin
    assert max(schedule.offsets) < schedule.end
    if arrivals is Arrivals.CONSTANT:
        assert schedule.end == 5.0


def test_the_tighter_of_two_bounds_ends_the_window() -> None:
    """--duration still holds with --requests, and the other way round."""
    assert make(Arrivals.CONSTANT, requests=10).end == 3.0
    assert make(Arrivals.CONSTANT, requests=1000).end == 7.0


def test_a_run_without_a_bound_is_refused() -> None:
    """It would never end."""
    with pytest.raises(ValueError, match="duration or a number"):
        make(Arrivals.CONSTANT, duration=None)
