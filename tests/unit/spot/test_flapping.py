"""A market that gives and takes in turn can't make on-demand start without end."""

from dataclasses import replace

import pytest

from infra.simulate.engine import simulate
from infra.simulate.policies.ours import Ours
from infra.simulate.types import Demand, Rules, Trace
from infra.spot.types import Settings

TICK = 30.0
DAY = 2880
"""Ticks."""
WANTED = 4


def flapping(zones: int, period: int, *, together: bool) -> Trace:
    """Zones with capacity in every other period of so many ticks; in turn, or all at the same time."""

    def steps(zone: int) -> tuple[tuple[int, int], ...]:
        shift = 0 if together else zone
        return tuple((tick, WANTED if (tick // period + shift) % 2 else 0) for tick in range(0, DAY, period))

    names = tuple(f"us-east-1{'abc'[zone]}" for zone in range(zones))
    return Trace("flapping", names, tuple(steps(zone) for zone in range(zones)), DAY, TICK)


@pytest.mark.parametrize("period", [1, 7, 21, 60])
@pytest.mark.parametrize("zones", [1, 3])
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("longest", [600.0, 9000.0])
def test_launches_on_demand_are_bounded(period: int, zones: int, *, together: bool, longest: float) -> None:
    """No more than docs/spot.md says: each wanted replica once, and again for each hold that has passed."""
    settings = replace(Settings(), hold_most_seconds=longest)
    trace = flapping(zones, period, together=together)
    outcome = simulate(trace, Demand.constant(WANTED), Rules(cold_start=60.0), Ours(settings))
    holds = DAY * TICK / settings.hold_seconds
    assert outcome.on_demand_launches <= WANTED * (1 + holds)
    if together and period * TICK < settings.calm_seconds:
        # No pool is ever calm: then it is the longest hold.
        assert outcome.on_demand_launches <= WANTED * (1 + DAY * TICK / longest)
