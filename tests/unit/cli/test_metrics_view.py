"""`metrics` for people: sparklines, tables, and what is said when there is nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from syrupy.assertion import SnapshotAssertion

from cli.render.metrics import live_summary, print_summary
from cli.render.sparkline import sparkline
from infra.environment.slots import Slot
from infra.metrics.ports import Point
from infra.metrics.summary import Measure, Row, Summary
from infra.observability.types import Unit

SINCE = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
UNTIL = SINCE + timedelta(minutes=10)


def points(*values: float | None) -> tuple[Point, ...]:
    """A value a minute; None is a gap."""
    times = (SINCE + timedelta(minutes=number) for number in range(len(values)))
    return tuple(Point(time, value) for time, value in zip(times, values, strict=True) if value is not None)


def measure(value: float | None, unit: Unit, *values: float | None) -> Measure:
    """A measure with its series."""
    return Measure(value=value, unit=unit, points=points(*values))


def row(release: int | None = None, **changes: Measure) -> Row:
    """A row of a model, or of a blue release."""
    measures = {
        "requests": measure(12.345, Unit.PER_SECOND, 0, 5, 10, 15, 20, 25, 20, 15, 10, 5),
        "errors": measure(0.5, Unit.PERCENT, 0.5),
        "latency_p50": measure(0.81, Unit.SECONDS, 0.8),
        "latency_p95": measure(1.9, Unit.SECONDS, 1.5, 2.0, None, None, 1.9),
        "latency_p99": measure(123.4, Unit.SECONDS, 3.0),
        "ttft_p50": measure(0.012, Unit.SECONDS, 0.012),
        "ttft_p95": measure(None, Unit.SECONDS),
        "tokens_generated": measure(1240.0, Unit.PER_SECOND, *[1240.0] * 10),
        **changes,
    }
    if release is None:
        measures["replicas"] = measure(4.0, Unit.COUNT, 4)
        measures["cost"] = measure(1.4, Unit.DOLLARS, 1.4)
    slot = Slot.BLUE if release else None
    return Row(model="chat", slot=slot, release=release, live=release == 3, measures=measures)


def summary(*rows: Row) -> Summary:
    """Ten minutes."""
    return Summary(environment="test", since=SINCE, until=UNTIL, period_seconds=60, rows=rows)


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ((0, 1, 2, 3, 4, 5, 6, 7), "▁▂▃▄▅▆▇█"),
        ((5, 5, 5), "███     "),
        ((0, 0, None, 0), "▁▁ ▁    "),
        ((None, 7), " █      "),
        ((), "        "),
    ],
)
def test_sparklines_tell_zero_from_nothing(values: tuple[float | None, ...], line: str) -> None:
    """A flat line is flat, a gap is blank, and zero is at the bottom."""
    assert sparkline(points(*values), SINCE, SINCE + timedelta(minutes=8), 8, 60) == line


def test_several_points_of_a_block_are_their_mean() -> None:
    """A long window in few blocks loses no time."""
    assert sparkline(points(0, 2, 4, 4), SINCE, SINCE + timedelta(minutes=4), 2, 60) == "▃█"


def test_a_point_lasts_as_long_as_its_series_is_fine() -> None:
    """More blocks than points, as AWS's own metrics have in a short window, leave no gaps between them."""
    assert sparkline(points(1, 1, None, 2), SINCE, SINCE + timedelta(minutes=4), 12, 10) == "▅▅▅▅▅▅   ███"


def test_points_outside_the_window_are_not_drawn() -> None:
    """The newest period of a fine series may lie beyond the window's last whole minute."""
    assert sparkline(points(1, 1, 9), SINCE, SINCE + timedelta(minutes=2), 2, 60) == "██"


def test_overview(capsys: pytest.CaptureFixture[str], snapshot: SnapshotAssertion) -> None:
    """All models and releases, a line each; what isn't known is a dash."""
    print_summary(summary(row(), row(3), row(4)), detail=False)
    assert capsys.readouterr().out == snapshot


def test_details(capsys: pytest.CaptureFixture[str], snapshot: SnapshotAssertion) -> None:
    """One model: a line for each measure, its releases side by side."""
    print_summary(summary(row(), row(3)), detail=True)
    assert capsys.readouterr().out == snapshot


def test_a_column_that_nobody_has_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Without prices there is no column of dashes for costs."""
    print_summary(summary(row(3)), detail=False)
    assert "$/h" not in capsys.readouterr().out


def test_watching_in_a_pipe_writes_page_after_page(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal there is nothing to draw over."""
    with live_summary(detail=False) as show:
        show(summary(row()))
        show(summary(row()))
    assert capsys.readouterr().out.count("requests/s") == 2
