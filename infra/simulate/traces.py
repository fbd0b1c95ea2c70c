"""Reads capacity traces from a folder of JSON files or one CSV file. Ships none."""

import csv
import json
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from infra.errors import Refused
from infra.simulate.types import Demand, Trace

TICK_SECONDS = 30.0
NO_LIMIT = 1_000_000
"""More than anybody wants."""
_HINT = (
    'a folder of JSON files, one a zone: {"metadata": {"gap_seconds": 300}, "data": [0, 4, ...]}; '
    "or a CSV file: a column `seconds`, then one column a zone"
)


def read_trace(path: Path, *, yes_no: bool | None = None, tick_seconds: float = TICK_SECONDS) -> Trace:
    """The trace in a folder (JSON) or a file (CSV); raises Refused with what is wrong where.

    `yes_no`: 1 means that no limit was seen. None: it does where the whole set has only 0 and 1.
    """
    if not path.exists():
        raise Refused(f"there is no trace at {path}", hint=_HINT)
    columns = _folder(path) if path.is_dir() else _table(path)
    if yes_no is None:
        yes_no = all(value <= 1 for _, _, values in columns for value in values)
    return resample(path.name, columns, yes_no=yes_no, tick_seconds=tick_seconds)


def resample(
    name: str,
    columns: Sequence[tuple[str, float, Sequence[int]]],
    *,
    yes_no: bool = False,
    tick_seconds: float = TICK_SECONDS,
) -> Trace:
    """Zones as (name, seconds between values, values) on one clock: each value holds until the next."""
    ticks = min(int(gap * len(values) / tick_seconds + 1e-9) for _, gap, values in columns)
    steps = []
    for _, gap, values in columns:
        told = [NO_LIMIT if yes_no and value else value for value in values]
        steps.append(tuple(step for step in _steps(told, gap, tick_seconds) if step[0] < ticks))
    return Trace(name, tuple(zone for zone, _, _ in columns), tuple(steps), ticks, tick_seconds)


def read_demand(path: Path, tick_seconds: float = TICK_SECONDS) -> Demand:
    """Wanted replicas over time, from a CSV file with the columns `seconds` and `wanted`."""
    if not path.is_file():
        raise Refused(
            f"there is no demand trace at {path}", hint="a CSV file: columns `seconds` and `wanted`"
        )
    columns = _table(path)
    if [zone for zone, _, _ in columns] != ["wanted"]:
        raise Refused(f"{path}: not a demand trace", hint="a CSV file: columns `seconds` and `wanted`")
    _, gap, values = columns[0]
    return Demand(_steps(values, gap, tick_seconds))


def part(trace: Trace, start: float, end: float) -> Trace:
    """The trace between two shares of its length: `part(trace, 0, 0.6)` is its first 60 %."""
    first, last = int(trace.ticks * start), int(trace.ticks * end)
    cut = []
    for steps in trace.steps:
        before = [value for tick, value in steps if tick <= first][-1]
        cut.append(((0, before), *((tick - first, value) for tick, value in steps if first < tick < last)))
    return Trace(trace.name, trace.zones, tuple(cut), last - first, trace.tick_seconds)


def _steps(values: Sequence[int], gap: float, tick_seconds: float) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for index, value in enumerate(values):
        tick = -int(-(index * gap) // tick_seconds)
        if found and found[-1][0] == tick:
            found.pop()
        if not found or found[-1][1] != value:
            found.append((tick, value))
    return tuple(found)


def _folder(path: Path) -> list[tuple[str, float, list[int]]]:
    files = sorted(path.glob("*.json"))
    if not files:
        raise Refused(f"{path}: no JSON files in it", hint=_HINT)
    return [_zone(file) for file in files]


def _zone(path: Path) -> tuple[str, float, list[int]]:
    try:
        document: Any = json.loads(path.read_text())
        gap = float(document["metadata"]["gap_seconds"])
        values = [_count(value) for value in document["data"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"{path}: not a capacity trace ({error!r})", hint=_HINT) from error
    if not gap > 0 or not values:
        raise Refused(f"{path}: gap_seconds must be above 0, and data not empty", hint=_HINT)
    name = re.match(r"[a-z]+(?:-[a-z]+)+-\d+[a-z](?=_|$)", path.stem)
    return (path.stem, gap, values) if name is None else (_unique(name[0], path), gap, values)


def _unique(zone: str, path: Path) -> str:
    """The zone alone, if no other file of the folder is of the same zone."""
    return zone if len(list(path.parent.glob(f"{zone}*.json"))) == 1 else path.stem


def _table(path: Path) -> list[tuple[str, float, list[int]]]:
    try:
        with path.open(newline="") as file:
            head, *rows = [row for row in csv.reader(file) if row]
        times = [float(row[0]) for row in rows]
        gap = times[1] - times[0]
        columns = [(zone, [_count(float(row[at])) for row in rows]) for at, zone in enumerate(head[1:], 1)]
    except (OSError, ValueError, IndexError) as error:
        raise Refused(f"{path}: not a table of capacities ({error})", hint=_HINT) from error
    if head[0] != "seconds" or not columns or gap <= 0:
        raise Refused(f"{path}: the first column must be `seconds`, growing, and zones follow", hint=_HINT)
    if any(abs(after - before - gap) > 1e-6 for before, after in pairwise(times)):
        raise Refused(
            f"{path}: the steps of `seconds` must all be the same, {gap:g} as the first", hint=_HINT
        )
    return [(zone, gap, values) for zone, values in columns]


def _count(value: Any) -> int:
    if isinstance(value, bool) or int(value) != value or value < 0:
        raise ValueError(f"{value!r} is not a number of instances")
    return int(value)
