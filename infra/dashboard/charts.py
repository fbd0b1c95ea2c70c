"""Figures and their series -> charts: every curve on one grid of times. Pure."""

from collections.abc import Sequence

from infra.agent.catalogue import NAMESPACE
from infra.dashboard.types import Chart, Charts, Curve
from infra.metrics.ports import Series
from infra.metrics.window import Window
from infra.observability.types import Figure, Line

_MINUTE = 60


def charts(model: str, figures: Sequence[Figure], series: Sequence[Series], window: Window) -> Charts:
    """The charts of `figures`; `series`: one for each of their lines, in order."""
    start, period = int(window.since.timestamp()), window.period
    times = tuple(range(start, int(window.latest.timestamp()), period))
    left = iter(series)
    return Charts(
        model=model,
        period_seconds=period,
        times=times,
        charts=tuple(
            Chart(
                id=figure.id,
                title=figure.title,
                unit=figure.unit,
                curves=tuple(
                    Curve(label=line.label, values=_values(line, next(left), times, window))
                    for line in figure.lines
                ),
            )
            for figure in figures
        ),
    )


def _values(line: Line, series: Series, times: tuple[int, ...], window: Window) -> tuple[float | None, ...]:
    """A value holds for the whole of its own period, which may span several of the grid's.

    A period that still fills is left out: it would look like a drop in traffic.
    """
    values: list[float | None] = [None] * len(times)
    own = _own_period(line, window.period)
    for point in series.points:
        start = point.time.timestamp()
        if start + own > window.latest.timestamp():
            continue
        first = int(start - window.since.timestamp()) // window.period
        for index in range(max(0, first), min(first + own // window.period, len(values))):
            values[index] = point.value
    return tuple(values)


def _own_period(line: Line, period: int) -> int:
    """AWS's own metrics know nothing finer than a minute."""
    ours = all(term.namespace == NAMESPACE for term in line.terms)
    return period if ours else max(period, _MINUTE)
