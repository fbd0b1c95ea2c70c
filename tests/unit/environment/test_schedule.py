"""The minimum in force: the last scheduled one whose time has come."""

from datetime import UTC, datetime

import pytest

from infra.environment.capacity import Bounds, bounds
from infra.environment.model import Replicas, ScheduledMinimum, Spot
from infra.environment.schedule import last_time, minimum_in_force
from infra.environment.slots import Market
from tests.fakes.environments import model

OFFICE = (
    ScheduledMinimum(cron="0 8 * * MON-FRI", min=4, timezone="Europe/Berlin"),
    ScheduledMinimum(cron="0 18 * * MON-FRI", min=2, timezone="Europe/Berlin"),
)


def at(day: int, hour: int, minute: int = 0, month: int = 1) -> datetime:
    """A time in 2026, in UTC; 5 January is a Monday."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (at(5, 6, 59), 2),
        (at(5, 7, 0), 4),
        (at(5, 12), 4),
        (at(5, 16, 59), 4),
        (at(5, 17, 0), 2),
        (at(10, 12), 2),
        (at(6, 6, 0, month=7), 4),
    ],
    ids=["before", "on-time", "noon", "almost", "evening", "saturday", "summer-time"],
)
def test_the_last_time_that_came_counts(now: datetime, expected: int) -> None:
    """A deploy at noon keeps what began at eight, in the entry's own time zone."""
    spec = model(replicas=Replicas(min=3, max=8, schedule=OFFICE))
    assert minimum_in_force(spec, now) == expected


def test_without_a_schedule_the_minimum_is_the_files() -> None:
    """Nothing changes for models that have none."""
    assert minimum_in_force(model(), at(5, 12)) == 3


def test_a_date_that_never_comes_never_counts() -> None:
    """An entry for 30 February is no reason to fail."""
    never = ScheduledMinimum(cron="0 0 30 2 1", min=9)
    found = last_time(ScheduledMinimum(cron="0 0 29 2 *", min=9), at(5, 12))
    assert found == datetime(2024, 2, 29, tzinfo=UTC)
    assert last_time(never, at(5, 12)) is not None, "a weekday or a date, as in cron"


@pytest.mark.parametrize(
    ("minimum", "expected"), [(5, Bounds(5, 8)), (3, Bounds(3, 8)), (1, Bounds(1, 8)), (0, Bounds(1, 8))]
)
def test_a_scheduled_minimum_moves_the_spot_group_only(minimum: int, expected: Bounds) -> None:
    """The on-demand base counts as part of every minimum, and stays as it is."""
    spec = model(replicas=Replicas(min=3, max=8), spot=Spot(on_demand_base=1, overprovision=1))
    assert bounds(spec, Market.SPOT, minimum) == expected
    assert bounds(spec, Market.ON_DEMAND, minimum) == Bounds(1, 8)
