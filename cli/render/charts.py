"""Axes of charts as inline SVG: no script, no network, colours from the page's style sheet."""

import math
from collections.abc import Callable
from html import escape

WIDTH, HEIGHT = 720, 190
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 28
_TICKS = 4

Place = Callable[[float], float]


def frame(title: str, top: float, unit: str, since: float, until: float, marks: str) -> str:
    """A chart over time: a grid from 0 to `top`, the time passed since `since` below it, the marks in it."""
    across, up = horizontal(since, until), vertical(top)
    lines = ""
    for tick in range(_TICKS + 1):
        value, at = top * tick / _TICKS, since + (until - since) * tick / _TICKS
        y, x = up(value), across(at)
        lines += f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        lines += f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.3g}{escape(unit)}</text>'
        anchor = "end" if tick == _TICKS else "middle"
        passed = _passed_time(at - since)
        lines += f'<text x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{passed}</text>'
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{lines}{marks}</svg>"
    )


def horizontal(since: float, until: float) -> Place:
    """Where a value of the horizontal axis is."""
    span = max(until - since, 1.0)
    return lambda at: LEFT + (min(max(at, since), until) - since) / span * (WIDTH - LEFT - RIGHT)


def vertical(top: float) -> Place:
    """Where a value of the vertical axis, 0 to `top`, is."""
    return lambda value: HEIGHT - BOTTOM - min(value / top, 1.0) * (HEIGHT - TOP - BOTTOM)


def round_up(value: float) -> float:
    """The next 1, 2, 4 or 8 of its size: numbers that quarters of are readable."""
    if value <= 0 or not math.isfinite(value):
        return 1.0
    size = 10.0 ** math.floor(math.log10(value))
    return next(step * size for step in (1, 2, 4, 8, 10) if step * size >= value * (1 - 1e-9))


def _passed_time(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
