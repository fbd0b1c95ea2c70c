"""Charts of a rollout's report as inline SVG: no script, no network, colours from the page's style sheet."""

from collections.abc import Iterable, Sequence

from cli.render.charts import Place, frame, horizontal, round_up, vertical
from cli.render.quantity import suffix
from infra.rollout.report import Point, Series


def weights_chart(
    weights: Sequence[tuple[float, int]],
    seen: Iterable[tuple[float, float | None]],
    since: float,
    until: float,
) -> str:
    """The new release's weight, as steps, and its `seen` share of the traffic, as dots; both in percent."""
    across, up = horizontal(since, until), vertical(100.0)
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
    return frame("Weight of the new release over time", 100.0, " %", since, until, marks)


def gate_chart(series: Series, since: float, until: float) -> str:
    """Both releases' numbers, and the value at which the new one fails."""
    values = [value for point in series.points for value in (point.new, point.old, point.limit)]
    top = round_up(max((value for value in values if value is not None), default=1.0))
    across, up = horizontal(since, until), vertical(top)
    marks = ""
    for name, read in (("limit", _limit), ("old", _old), ("new", _new)):
        marks += _line(name, [(point.at, read(point)) for point in series.points], across, up)
    return frame(f"{series.gate} of both releases over time", top, suffix(series.unit), since, until, marks)


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
