"""A simulation as one page: availability against cost, llmctl's replicas over time. No script, no network."""

import math
from collections.abc import Callable, Sequence
from html import escape

from cli.render.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, frame, horizontal, vertical
from infra.simulate.types import Moment, Outcome, Trace

_TALL = 2 * HEIGHT
_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--soft:#6a737d;--line:#dfe3e8;--new:#0b62d6;
--old:#8a929b;--card:#f6f8fa}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--paper:#14171a;--soft:#9aa4ae;--line:#30363d;
--new:#6cb0ff;--card:#1c2126}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;
margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}.soft{color:var(--soft)}
svg{width:100%;height:auto;background:var(--card);border-radius:.4rem}
svg text{fill:var(--soft);font-size:11px}svg .grid{stroke:var(--line)}svg path{fill:none;stroke-width:1.5}
svg .name{fill:var(--ink)}svg .ours{fill:var(--new);stroke:var(--new)}svg .other{fill:var(--old)}
svg .ready{stroke:var(--new)}svg .spot{stroke:var(--old)}svg .wanted{stroke:var(--ink);stroke-dasharray:5 4}
"""
_OURS = "llmctl"
_TICKS = 5
_KEY = "Dashed: wanted. Grey: ready on spot. Blue: ready, on demand included."

Place = Callable[[float], float]


def page(trace: Trace, outcomes: Sequence[Outcome]) -> str:
    """The whole page."""
    days = trace.ticks * trace.tick_seconds / 86_400
    title = f"{trace.name}: {days:.1f} days, {len(trace.zones)} zones"
    parts = [f"<h1>{escape(title)}</h1>", "<h2>Availability against cost</h2>", _scatter(outcomes)]
    ours = next((each for each in outcomes if each.policy == _OURS), None)
    if ours and ours.timeline:
        parts += ["<h2>llmctl's replicas over time</h2>", _timeline(trace, ours.timeline)]
        parts.append(f'<p class="soft">{_KEY}</p>')
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _scatter(outcomes: Sequence[Outcome]) -> str:
    """A point a policy: the share of time without enough replicas, on a logarithmic axis, against cost."""
    most = max(1.0, *(each.cost for each in outcomes))
    least = min((1 - each.availability for each in outcomes if each.availability < 1), default=0.01)
    low = math.floor(math.log10(least))

    def across(cost: float) -> float:
        return LEFT + cost / most * (WIDTH - LEFT - RIGHT)

    def up(lack: float) -> float:
        size = math.log10(max(lack, 10.0**low))
        return TOP + (size - low) / -low * (_TALL - TOP - BOTTOM)

    marks = _grid(most, low, across, up)
    for index, each in enumerate(sorted(outcomes, key=lambda each: each.cost)):
        x, y = across(each.cost), up(1 - each.availability)
        kind = "ours" if each.policy == _OURS else "other"
        told = (
            f"{each.policy}: {100 * each.availability:.3f} % of the time, {100 * each.cost:.1f} % of the cost"
        )
        marks += (
            f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(told)}</title></circle>'
        )
        anchor = "end" if x > WIDTH * 0.8 else "start"
        shift = -8 if anchor == "end" else 8
        down = 14 if index % 2 else -6  # neighbours' names don't lie on each other
        marks += f'<text class="name" x="{x + shift:.1f}" y="{y + down:.1f}" text-anchor="{anchor}">'
        marks += f"{escape(each.policy)}</text>"
    label = "Availability of each policy against its cost"
    return f'<svg viewBox="0 0 {WIDTH} {_TALL}" role="img" aria-label="{label}">{marks}</svg>'


def _grid(most: float, low: int, across: Place, up: Place) -> str:
    marks = ""
    for power in range(low, 1):
        y, share = up(10.0**power), 100 * (1 - 10.0**power)
        marks += f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        marks += (
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{share:.{max(0, -power - 2)}f} %</text>'
        )
    for tick in range(_TICKS + 1):
        cost = most * tick / _TICKS
        anchor = "end" if tick == _TICKS else "middle"
        marks += (
            f'<text x="{across(cost):.1f}" y="{_TALL - 8}" text-anchor="{anchor}">{100 * cost:.0f} %</text>'
        )
    return marks


def _timeline(trace: Trace, moments: Sequence[Moment]) -> str:
    end = trace.ticks * trace.tick_seconds
    most = max(max(each.spot + each.on_demand, each.wanted) for each in moments)
    top = 4.0 * math.ceil((most + 1) / 4)  # whole replicas at the grid's lines
    across, up = horizontal(0.0, end), vertical(top)
    lines: dict[str, Callable[[Moment], int]] = {
        "spot": lambda each: each.spot,
        "ready": lambda each: each.spot + each.on_demand,
        "wanted": lambda each: each.wanted,
    }
    marks = ""
    for name, read in lines.items():
        path = ""
        for moment, after in zip(moments, [*moments[1:], None], strict=True):
            y = up(float(read(moment)))
            until = after.tick * trace.tick_seconds if after else end
            path += f"{'L' if path else 'M'}{across(moment.tick * trace.tick_seconds):.1f},{y:.1f}"
            path += f"L{across(until):.1f},{y:.1f}"
        marks += f'<path class="{name}" d="{path}"/>'
    return frame("Ready replicas of llmctl over time", top, "", 0.0, end, marks)
