"""The floor of cost: below every policy, and never higher for more capacity."""

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from infra.errors import Refused
from infra.simulate.comparison import compare
from infra.simulate.optimum import least_cost
from infra.simulate.traces import resample
from infra.simulate.types import Demand, Rules, Trace
from infra.spot.types import Settings

WANTED = Demand.constant(3)
RULES = Rules(cold_start=90)
_zones = st.lists(st.lists(st.integers(0, 3), min_size=12, max_size=12), min_size=1, max_size=3)


def _trace(zones: list[list[int]]) -> Trace:
    return resample("t", [(f"us-east-1{'abc'[at]}", 300.0, values) for at, values in enumerate(zones)])


@limits(deadline=None, max_examples=40)
@given(_zones)
def test_nobody_is_cheaper(zones: list[list[int]]) -> None:
    """The optimum costs at most what each policy costs, at that policy's availability."""
    trace = _trace(zones)
    for outcome in compare(trace, WANTED, RULES, Settings()):
        assert least_cost(trace, WANTED, RULES, outcome.availability) <= outcome.cost + 1e-6


@limits(deadline=None, max_examples=40)
@given(_zones, st.sampled_from([0.5, 0.99, 1.0]))
def test_more_capacity_is_never_dearer(zones: list[list[int]], availability: float) -> None:
    """One more instance in each zone at all times never makes the same availability cost more."""
    more = _trace([[value + 1 for value in zone] for zone in zones])
    best = least_cost(more, WANTED, RULES, availability)
    assert best <= least_cost(_trace(zones), WANTED, RULES, availability) + 1e-6


def test_known_optimum() -> None:
    """No spot: all on demand. Spot enough, always: a third. Nothing asked: nothing paid."""
    assert least_cost(_trace([[0] * 12]), WANTED, RULES, 1.0) == pytest.approx(1)
    assert least_cost(_trace([[3] * 12]), WANTED, RULES, 1.0) == pytest.approx(1 / 3)
    assert least_cost(_trace([[3] * 12]), WANTED, RULES, 0.0) == pytest.approx(0)


def test_free_hours_have_no_floor() -> None:
    """Where interruptions make spot free, the programme would be no bound: it says so."""
    with pytest.raises(Refused, match="free first hour"):
        least_cost(_trace([[3] * 12]), WANTED, Rules(free_first_hour=True), 1.0)
