"""The tests behind the gates, against numbers that can be looked up or counted."""

import random

import pytest

from infra.rollout.ladders import merged
from infra.rollout.measured import Distribution
from infra.rollout.statistics import (
    FINAL_Z,
    below,
    boundary,
    lower,
    more_errors,
    percentile,
    slower,
    too_many_errors,
    z_of,
)
from tests.unit.rollout.samples import distribution, times


def test_fishers_tea() -> None:
    """The lady tasting tea: all four of eight cups right has probability 1 in 70."""
    assert more_errors(4, 4, 0, 4) == pytest.approx(z_of(1 / 70))


def test_equal_shares_are_no_evidence() -> None:
    """The same errors on both sides."""
    assert more_errors(10, 500, 10, 500) < 1


def test_exact_binomial() -> None:
    """Three heads of three: one in eight."""
    assert too_many_errors(3, 3, 0.5) == pytest.approx(z_of(1 / 8))


def test_early_looks_need_more() -> None:
    """After a quarter of the bake twice the evidence."""
    assert boundary(1.0) == FINAL_Z
    assert boundary(0.25) == pytest.approx(2 * FINAL_Z)


def test_percentiles_between_rungs() -> None:
    """On a straight line, and never beyond the ends."""
    ladder = Distribution(count=10, ladder=((0.0, 1.0), (50.0, 2.0), (100.0, 4.0)))
    assert [percentile(ladder, rank) for rank in (0.0, 0.25, 0.5, 0.75, 1.0)] == [1.0, 1.5, 2.0, 3.0, 4.0]


def test_the_same_numbers_give_the_same_verdict() -> None:
    """Two drivers that see the same decide the same."""
    draw = random.Random(1)
    new, old = times(draw, 300, 1.3), times(draw, 300, 1.0)
    assert slower(new, old, 0.95, 1.2) == slower(new, old, 0.95, 1.2)


def test_its_scale_is_right() -> None:
    """Without any difference, z is spread nearly as a normal variable is: seldom beyond two."""
    draw = random.Random(3)
    found = [slower(times(draw, 300, 1.0), times(draw, 300, 1.0), 0.95, 1.0) for _ in range(150)]
    assert sum(abs(z) > 2 for z in found) <= 15
    assert sum(abs(z) > 3.5 for z in found) <= 2
    assert sum(abs(z) > 0.5 for z in found) >= 50


def test_speeds_need_some_periods() -> None:
    """Two periods are no spread."""
    assert lower([50.0, 51.0], [80.0] * 9, 0.8) is None
    worse = lower([50.0, 51.0, 49.0, 50.0, 52.0], [80.0, 81.0, 79.0, 80.0, 82.0], 0.8)
    assert worse is not None
    assert worse > FINAL_Z


def test_a_mean_below_its_bound() -> None:
    """Far below, with little spread."""
    assert below([0.1, 0.12, 0.09, 0.11], 0.5, 0.02) > FINAL_Z


def test_periods_are_mixed_by_their_samples() -> None:
    """The distribution of two periods is that of all their samples, not the mean of their percentiles."""
    draw = random.Random(5)
    slow = [draw.uniform(2, 3) for _ in range(100)]
    fast = [draw.uniform(0, 1) for _ in range(900)]
    mixed = merged([distribution(slow), distribution(fast)])
    assert mixed.count == 1000
    assert percentile(mixed, 0.5) == pytest.approx(percentile(distribution(slow + fast), 0.5), abs=0.05)
    assert percentile(mixed, 0.95) == pytest.approx(percentile(distribution(slow + fast), 0.95), abs=0.1)
