"""A series as a line of blocks."""

from collections.abc import Sequence
from datetime import datetime

from infra.metrics.ports import Point

_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP = " "


def sparkline(points: Sequence[Point], since: datetime, until: datetime, width: int) -> str:
    """`width` blocks from `since` to `until`, each the mean of its points as a part of the highest mean.

    The scale begins at zero, so that a flat line is flat; a stretch without points is blank, not zero.
    """
    span = (until - since).total_seconds()
    cells: list[list[float]] = [[] for _ in range(width)]
    for point in points:
        place = int((point.time - since).total_seconds() / span * width)
        if 0 <= place < width:
            cells[place].append(point.value)
    means = [sum(cell) / len(cell) if cell else None for cell in cells]
    top = max((mean for mean in means if mean is not None), default=0.0)
    return "".join(_GAP if mean is None else _block(mean, top) for mean in means)


def _block(value: float, top: float) -> str:
    share = value / top if top > 0 else 0.0
    return _BLOCKS[min(len(_BLOCKS) - 1, max(0, round(share * (len(_BLOCKS) - 1))))]
