"""Charts of a rollout's report as inline SVG: no script, no network, colours from the page's style sheet."""

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape

from cli.render.quantity import suffix
from infra.rollout.report import Point, Series

_WIDTH, _HEIGHT = 720, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 12, 28
_TICKS = 4

Place = Callable[[float], float]


def weights_chart(
    weights: Sequence[tuple[float, int]],
    seen: Iterable[tuple[float, float | None]],
    since: float,
    until: float,
) -> str:
    """The new release's weight, as steps, and its `seen` share of the traffic, as dots; both in percent."""
    across, up = _across(since, until), _up(100.0)
    path = ""
    for index, (at, weight) in enumerate(weights):
        after = weights[index + 1][0] if index + 1 < len(weights) else until
        path += (
            f"{'L' if path else 'M'}{across(at):.1f},{up(weight):.1f}L{across(after):.1f},{up(weight):.1f}"
        )
    area = f"{path}L{across(until):.1f},{up(0):.1f}L{across(weights[0][0]):.1f},{up(0):.1f}Z" if path else ""
    marks = f'<path class="area" d="{area}"/><path class="new" d="{path}"/>'
    for at, share in seen:
        if share is not None:
            marks += f'<circle class="new" cx="{across(at):.1f}" cy="{up(share):.1f}" r="3"/>'
    return _frame("Weight of the new release over time", 100.0, " %", since, until, marks)


def gate_chart(series: Series, since: float, until: float) -> str:
    """Both releases' numbers, and the value at which the new one fails."""
    values = [value for point in series.points for value in (point.new, point.old, point.limit)]
    top = _round_up(max((value for value in values if value is not None), default=1.0))
    across, up = _across(since, until), _up(top)
    marks = ""
    for name, read in (("limit", _limit), ("old", _old), ("new", _new)):
        marks += _line(name, [(point.at, read(point)) for point in series.points], across, up)
    return _frame(f"{series.gate} of both releases over time", top, suffix(series.unit), since, until, marks)


def _new(point: Point) -> float | None:
    return point.new


def _old(point: Point) -> float | None:
    return point.old


def _limit(point: Point) -> float | None:
    return point.limit


def _line(name: str, points: Sequence[tuple[float, float | None]], across: Place, up: Place) -> str:
    """A line through what was measured: it breaks where nothing was; a lone point is a dot."""
    runs: list[list[tuple[float, float]]] = [[]]
    for at, value in points:
        if value is None:
            runs.append([])
        else:
            runs[-1].append((across(at), up(value)))
    marks = ""
    for run in filter(None, runs):
        if len(run) > 1:
            path = "L".join(f"{x:.1f},{y:.1f}" for x, y in run)
            marks += f'<path class="{name}" d="M{path}"/>'
        else:
            marks += f'<circle class="{name}" cx="{run[0][0]:.1f}" cy="{run[0][1]:.1f}" r="3"/>'
    return marks


def _frame(title: str, top: float, unit: str, since: float, until: float, marks: str) -> str:
    across, up = _across(since, until), _up(top)
    lines = ""
    for tick in range(_TICKS + 1):
        value, at = top * tick / _TICKS, since + (until - since) * tick / _TICKS
        y, x = up(value), across(at)
        lines += f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        lines += f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}{escape(unit)}</text>'
        anchor = "end" if tick == _TICKS else "middle"
        passed = _passed(at - since)
        lines += f'<text x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}">{passed}</text>'
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{lines}{marks}</svg>"
    )


def _across(since: float, until: float) -> Place:
    span = max(until - since, 1.0)
    return lambda at: _LEFT + (min(max(at, since), until) - since) / span * (_WIDTH - _LEFT - _RIGHT)


def _up(top: float) -> Place:
    return lambda value: _HEIGHT - _BOTTOM - min(value / top, 1.0) * (_HEIGHT - _TOP - _BOTTOM)


def _round_up(value: float) -> float:
    """The next 1, 2, 4 or 8 of its size: numbers that quarters of are readable."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    size = 10.0 ** math.floor(math.log10(value))
    return next(step * size for step in (1, 2, 4, 8, 10) if step * size >= value * (1 - 1e-9))


def _passed(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
