"""Figures and series on one grid of times."""

from datetime import UTC, datetime, timedelta

from infra.agent.catalogue import NAMESPACE
from infra.dashboard.charts import charts
from infra.metrics.ports import Point, Series
from infra.metrics.window import Window, window
from infra.observability.types import Figure, Line, Term, Unit

NOW = datetime(2026, 1, 1, 12, 0, 7, tzinfo=UTC)


def line(label: str, namespace: str = NAMESPACE) -> Line:
    """A line of one metric."""
    return Line(
        label=label,
        terms=(Term(id="m", namespace=namespace, name=label, dimensions=(), statistic="Sum"),),
    )


def series(of: Line, span: Window, **values: float) -> Series:
    """Points at so many seconds (`s10=...`) after the window's beginning."""
    points = (Point(span.since + timedelta(seconds=int(key[1:])), value) for key, value in values.items())
    return Series(line=of, points=tuple(points))


def test_gaps_stay_gaps() -> None:
    """Where nothing was measured nothing is drawn: zero would be a claim."""
    span, one = window(NOW, 3600, 60), line("one")
    figure = Figure(id="x", title="X", unit=Unit.COUNT, lines=(one,))
    found = charts("chat", [figure], [series(one, span, s0=1, s120=3)], span)
    values = found.charts[0].curves[0].values
    assert values[:4] == (1, None, 3, None)
    assert len(values) == len(found.times) == 60


def test_lines_keep_their_figures() -> None:
    """Series come as one list for all figures; each value ends under its own label."""
    span = window(NOW, 3600, 60)
    lines = [line("a"), line("b"), line("c")]
    figures = [
        Figure(id="first", title="", unit=Unit.COUNT, lines=tuple(lines[:2])),
        Figure(id="second", title="", unit=Unit.COUNT, lines=tuple(lines[2:])),
    ]
    values = [series(each, span, s0=number) for number, each in enumerate(lines)]
    found = {
        (chart.id, curve.label): curve.values[0]
        for chart in charts("chat", figures, values, span).charts
        for curve in chart.curves
    }
    assert found == {("first", "a"): 0, ("first", "b"): 1, ("second", "c"): 2}


def test_a_minutes_value_holds_for_the_minute() -> None:
    """AWS's own metrics come once a minute: beside metrics of every 10 seconds they would be lone dots."""
    span = window(NOW, 900, 5)
    ours, theirs = line("ours"), line("theirs", "AWS/ApplicationELB")
    figure = Figure(id="x", title="X", unit=Unit.COUNT, lines=(ours, theirs))
    found = charts("chat", [figure], [series(ours, span, s10=1), series(theirs, span, s60=2)], span)
    assert span.period == 10
    mine, other = (curve.values for curve in found.charts[0].curves)
    assert mine[:3] == (None, 1, None)
    assert other[5:13] == (None, 2, 2, 2, 2, 2, 2, None)


def test_points_outside_the_window_are_left_out() -> None:
    """An answer that reaches further back than asked must not land on a wrong time."""
    span, one = window(NOW, 900, 60), line("one")
    figure = Figure(id="x", title="X", unit=Unit.COUNT, lines=(one,))
    early = Series(line=one, points=(Point(span.since - timedelta(minutes=1), 9),))
    assert set(charts("chat", [figure], [early], span).charts[0].curves[0].values) == {None}


def test_a_minute_that_still_fills_is_left_out() -> None:
    """With periods of 10 seconds, the balancer's current minute would look like a drop in traffic."""
    now = NOW.replace(second=47)
    span, theirs = window(now, 900, 5), line("theirs", "AWS/ApplicationELB")
    figure = Figure(id="x", title="X", unit=Unit.COUNT, lines=(theirs,))
    current = Series(line=theirs, points=(Point(now.replace(second=0), 1),))
    values = charts("chat", [figure], [current], span).charts[0].curves[0].values
    assert span.latest > now.replace(second=0)
    assert set(values) == {None}
