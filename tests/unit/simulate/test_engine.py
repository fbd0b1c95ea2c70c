"""The simulated market: its semantics tick by tick, and that skipping ticks changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from infra.simulate.comparison import POLICIES, compare
from infra.simulate.engine import Simulation, simulate
from infra.simulate.policies.base import Orders, Policy, View
from infra.simulate.policies.common import AutoscalingGroups, OnDemand
from infra.simulate.policies.ours import Ours
from infra.simulate.policies.spothedge import SpotHedge
from infra.simulate.traces import part, read_trace, resample
from infra.simulate.types import Demand, Rules, Trace
from infra.spot.types import Settings

RULES = Rules(cold_start=60)
_REAL = Path(__file__).parents[4] / "shared" / "spot-traces"


class _EachTick(Simulation):
    """The same market without the leap."""

    def _next(self, tick: int, orders: Orders) -> int:
        return tick + 1


class _SpotOnly:
    """Holds `size` replicas in the first zone."""

    name = "spot only"

    def __init__(self, size: int) -> None:
        self._size = size

    def step(self, view: View) -> Orders:
        """Ask for what is missing."""
        return Orders(launch=[0] * (self._size - view.staying()[0]))


def _trace(*zones: list[int]) -> Trace:
    """One value a tick."""
    return resample("t", [(f"us-east-1{'abc'[at]}", 30.0, values) for at, values in enumerate(zones)])


@limits(deadline=None, max_examples=60)
@given(
    st.lists(st.lists(st.integers(0, 3), min_size=30, max_size=30), min_size=1, max_size=3),
    st.sampled_from(sorted(POLICIES)),
    st.sampled_from([0.0, 90.0]),
    st.booleans(),
)
def test_leaping_changes_nothing(zones: list[list[int]], name: str, notice: float, free: bool) -> None:
    """The result is that of a plain loop over all ticks, for every policy: speed costs no truth."""
    trace = resample("t", [(f"us-east-1{'abc'[at]}", 300.0, values) for at, values in enumerate(zones)])
    rules = replace(RULES, notice=notice, announced=0.5, free_first_hour=free)
    settings = Settings(calm_seconds=600, hold_seconds=90, hold_most_seconds=900, flap_seconds=1200)

    def run(kind: type[Simulation]) -> object:
        return kind(trace, Demand.constant(3), rules, POLICIES[name](settings)).run()

    assert run(Simulation) == run(_EachTick)


def test_on_demand_is_the_unit() -> None:
    """Everything on demand is always available after the first cold start, and costs 1."""
    outcome = simulate(_trace([0] * 50), Demand.constant(4), RULES, OnDemand())
    assert (outcome.availability, outcome.cost) == (1.0, 1.0)


def test_newest_is_lost_first_and_replaced_after_a_cold_start() -> None:
    """A loss is seen a tick later, and its replacement ready a cold start after that."""
    capacity = [2] * 10 + [1] + [2] * 20
    outcome = simulate(_trace(capacity), Demand.constant(2), RULES, _SpotOnly(2))
    assert outcome.interruptions == 1
    assert [(moment.tick, moment.spot) for moment in outcome.timeline] == [(0, 0), (2, 2), (10, 1), (13, 2)]
    assert outcome.availability == pytest.approx(1 - 3 / 29)


def test_a_launch_needs_room_now() -> None:
    """What exceeds the zone's capacity fails, and costs nothing."""
    outcome = simulate(_trace([1] * 10), Demand.constant(2), RULES, _SpotOnly(2))
    assert (outcome.spot_launches, outcome.spot_failures) == (1, 10)
    assert outcome.cost == pytest.approx(0.5 / 3)


def test_costs_add_up() -> None:
    """The cost is its parts, for every policy."""
    trace = _trace([2] * 40 + [0] * 40 + [2] * 40, [1] * 120)
    for outcome in compare(trace, Demand.constant(3), RULES, Settings()):
        assert outcome.cost == pytest.approx(outcome.spot_cost + outcome.on_demand_cost)


def test_a_notice_keeps_the_service_up() -> None:
    """With a notice that is longer than a cold start, a replacement is there before the loss."""
    trace = _trace([2] * 40 + [0] * 40, [2] * 80)
    told = replace(RULES, notice=120)

    def available(rules: Rules) -> float:
        return simulate(trace, Demand.constant(3), rules, Ours()).availability

    assert available(told) == 1.0 > available(RULES)


def test_a_standby_starts_sooner() -> None:
    """On-demand replicas that wait stopped are ready in their own time."""
    demand = Demand(((0, 1), (40, 3)))

    def available(standby: float | None) -> float:
        return simulate(_trace([0] * 80), demand, Rules(standby_start=standby), OnDemand()).availability

    assert available(30.0) > available(None)


def test_first_hour_is_free_if_interrupted() -> None:
    """AWS doesn't bill what it takes back within the hour; other replicas cost as ever."""
    trace = _trace([1] * 50 + [0] * 50)
    free = replace(RULES, free_first_hour=True)
    assert simulate(trace, Demand.constant(1), free, _SpotOnly(1)).cost == 0
    assert simulate(trace, Demand.constant(1), RULES, _SpotOnly(1)).cost > 0


def test_demand_changes() -> None:
    """A demand trace is followed, down too."""
    demand = Demand(((0, 1), (20, 3), (60, 1)))
    outcome = simulate(_trace([5] * 100), demand, RULES, SpotHedge(0))
    assert outcome.timeline[-1].spot == 1
    assert max(moment.spot for moment in outcome.timeline) == 3


@pytest.mark.parametrize("make", [lambda: SpotHedge(1), Ours])
def test_spot_spreads(make: Callable[[], Policy]) -> None:
    """Replicas go to different zones, as long as there are any."""
    outcome = simulate(_trace([9] * 40 + [0] * 40, [9] * 80, [9] * 80), Demand.constant(2), RULES, make())
    assert outcome.interruptions == 1


def test_autoscaling_groups_do_not_exchange() -> None:
    """Missing spot stays missing in a group of AWS: only its fixed share is on demand."""
    outcome = simulate(_trace([0] * 60), Demand.constant(4), RULES, AutoscalingGroups(25))
    assert outcome.on_demand_launches == 1
    assert outcome.availability == 0


@pytest.mark.skipif(not _REAL.is_dir(), reason="the measured traces aren't beside this checkout")
@pytest.mark.parametrize("name", ["AWS1", "AWS3"])
def test_ours_beats_spothedge(name: str) -> None:
    """As shipped, at least as available as SpotHedge with one extra replica, and cheaper."""
    trace = read_trace(_REAL / name)
    ours = simulate(trace, Demand.constant(4), Rules(), Ours())
    theirs = simulate(trace, Demand.constant(4), Rules(), SpotHedge(1))
    assert ours.availability >= theirs.availability
    assert ours.cost < theirs.cost


def test_part_keeps_the_capacity_before_it() -> None:
    """A held-out part begins with the capacity that was."""
    cut = part(_trace([1] * 10 + [2] * 10), 0.25, 0.75)
    assert cut.steps == (((0, 1), (5, 2)),)
    assert cut.ticks == 10
