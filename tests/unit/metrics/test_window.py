"""Windows of time: whole periods, fine enough and kept long enough."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.environment.monitoring import Monitoring
from infra.metrics.window import period_for, refresh_seconds, window
from tests.fakes.environments import two_models

NOW = datetime(2026, 1, 1, 12, 34, 56, tzinfo=UTC)


def test_only_whole_periods_are_looked_at() -> None:
    """A minute that still fills would look like a drop in traffic."""
    found = window(NOW, 3600, 60)
    assert (found.since, found.until, found.period) == (
        NOW.replace(hour=11, minute=34, second=0),
        NOW.replace(second=0),
        60,
    )
    assert found.latest == found.until


def test_short_windows_of_frequent_publishers_are_fine() -> None:
    """Ten seconds where replicas publish each five, up to the last whole ten; totals stay on minutes."""
    found = window(NOW, 600, 5)
    assert (found.period, found.latest, found.until) == (10, NOW.replace(second=50), NOW.replace(second=0))
    assert found.seconds == 600


@pytest.mark.parametrize(
    ("length", "interval", "period"),
    [
        (600, 60, 60),
        (600, 30, 30),
        (3600, 5, 60),
        (86_400, 60, 300),
        (7 * 86_400, 60, 3600),
        (30 * 86_400, 60, 21_600),
    ],
)
def test_periods_follow_the_length(length: int, interval: int, period: int) -> None:
    """Never so fine that nothing could be told, never finer than it is published."""
    assert period_for(length, interval) == period


@given(st.integers(1, 90 * 86_400), st.integers(5, 60), st.integers(0, 86_400))
def test_every_window_can_be_asked_for(length: int, interval: int, later: int) -> None:
    """What CloudWatch accepts, keeps and answers in one page: for any length, at any second."""
    found = window(NOW + timedelta(seconds=later), length, interval)
    assert found.seconds % 60 == 0
    assert found.seconds >= 60
    assert found.since.timestamp() % max(found.period, 60) == 0
    assert found.until <= found.latest <= NOW + timedelta(seconds=later)
    assert (found.latest - found.since).total_seconds() % found.period in (0, *range(60, found.period, 60))
    assert found.seconds / found.period <= 400
    age = found.seconds
    assert found.period in (10, 30) or found.period % 60 == 0
    assert not (found.period < 60 and age > 3 * 3600)
    assert not (found.period < 300 and age > 15 * 86_400)
    assert age <= 15 * 86_400 or found.seconds % 300 == 0
    assert age <= 63 * 86_400 or found.seconds % 3600 == 0


@pytest.mark.parametrize(("interval", "refresh"), [("5s", 5), ("30s", 7.5), ("60s", 15)])
def test_watching_asks_no_more_often_than_there_is_news(interval: str, refresh: float) -> None:
    """CloudWatch bills each metric that is read."""
    environment = msgspec.structs.replace(two_models(), monitoring=Monitoring(interval=interval))
    assert refresh_seconds(environment) == refresh
