"""A series as a line of blocks."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from infra.metrics.ports import Point

_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP = " "


def sparkline(points: Sequence[Point], since: datetime, until: datetime, width: int, period: int) -> str:
    """`width` blocks from `since` to `until`, each as high as its mean is of the highest mean.

    The scale begins at zero, so that a flat line is flat; a stretch without points is blank, not zero. A
    point lasts until the next could be (AWS's own come each minute), or `period` seconds if it is alone.
    """
    span = (until - since).total_seconds()
    gaps = [(after.time - before.time).total_seconds() for before, after in pairwise(points)]
    lasts = min(gaps, default=float(period))
    cells: list[list[float]] = [[] for _ in range(width)]
    for point in points:
        begin = (point.time - since).total_seconds()
        for place in _covered(begin / span * width, (begin + lasts) / span * width, width):
            cells[place].append(point.value)
    means = [sum(cell) / len(cell) if cell else None for cell in cells]
    top = max((mean for mean in means if mean is not None), default=0.0)
    return "".join(_GAP if mean is None else _block(mean, top) for mean in means)


def _covered(begin: float, end: float, width: int) -> range:
    """Cells that a stretch is in; at least half of a cell, or the one it begins in."""
    first, last = round(begin), round(end)
    return range(max(0, first), min(width, last)) if last > first else _one(int(begin), width)


def _one(place: int, width: int) -> range:
    return range(place, place + 1) if 0 <= place < width else range(0)


def _block(value: float, top: float) -> str:
    share = value / top if top > 0 else 0.0
    return _BLOCKS[min(len(_BLOCKS) - 1, max(0, round(share * (len(_BLOCKS) - 1))))]
