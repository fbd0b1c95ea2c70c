"""The functions of metric math that this cloud knows, by the name used in expressions.

Each takes evaluated operands and the grid of times that datapoints can have. What a function gives for a
series and for an array follows the table of the CloudWatch user guide ("Using math expressions"): an
aggregate of one series is a number, of an array a series.
"""

import itertools
import math
import statistics
from collections.abc import Callable, Sequence

from infra.embedded.aws.cloudwatch.values import (
    Array,
    MathError,
    TimeSeries,
    Value,
    array,
    at_time,
    each,
    number,
)

Grid = Sequence[float]
Function = Callable[[Sequence[Value | str], Grid], Value]


def call(name: str, operands: Sequence[Value | str], grid: Grid) -> Value:
    """Result of a function. Raises MathError for one that is unknown or wrongly used."""
    function, least, most = _known(name)
    if not least <= len(operands) <= most:
        raise MathError(f"Wrong number of arguments for function {name}")
    return function(operands, grid)


def check(name: str) -> None:
    """Raise MathError for a function that is unknown."""
    _known(name)


def _known(name: str) -> tuple[Function, int, int]:
    try:
        return FUNCTIONS[name]
    except KeyError:
        raise MathError(f"Unsupported function: {name}") from None


def _value(operand: Value | str) -> Value:
    if isinstance(operand, str):
        raise MathError("text is not possible here")
    return operand


def _by_point(change: Callable[[float], float | None]) -> Function:
    return lambda operands, _: each(_value(operands[0]), change)


def _aggregate(of: Callable[[Sequence[float]], float], *, zeros: bool = False) -> Function:
    """Of an array: at each time that any of its series has; `zeros`: the others count as 0 there."""

    def aggregate(operands: Sequence[Value | str], _: Grid) -> Value:
        operand = _value(operands[0])
        if isinstance(operand, TimeSeries):
            if not operand.points:
                return operand
            return of(list(operand.points.values()))
        series = array(operand)
        if not series:
            return TimeSeries()
        times = sorted({at for one in series for at in one.points})
        return series[0].with_points(
            {at: of([one.points.get(at, 0.0) for one in series if zeros or at in one.points]) for at in times}
        )

    return aggregate


def _over_time(change: Callable[[TimeSeries], dict[float, float]]) -> Function:
    """A function of a whole series, applied to each of an array."""

    def over_time(operands: Sequence[Value | str], _: Grid) -> Value:
        operand = _value(operands[0])
        changed: Array = [one.with_points(change(one)) for one in array(operand)]
        return changed if isinstance(operand, list) else changed[0]

    return over_time


def _steps(series: TimeSeries) -> list[tuple[float, float, float]]:
    """Time of each datapoint but the first, the change since the one before, and the seconds between."""
    times = sorted(series.points)
    return [
        (at, series.points[at] - series.points[before], at - before)
        for before, at in itertools.pairwise(times)
    ]


def _difference(series: TimeSeries) -> dict[float, float]:
    return {at: change for at, change, _ in _steps(series)}


def _rate(series: TimeSeries) -> dict[float, float]:
    return {at: change / seconds for at, change, seconds in _steps(series)}


def _running_sum(series: TimeSeries) -> dict[float, float]:
    total, sums = 0.0, {}
    for at in sorted(series.points):
        total += series.points[at]
        sums[at] = total
    return sums


def _pick(index: int) -> Function:
    def pick(operands: Sequence[Value | str], _: Grid) -> Value:
        series = array(_value(operands[0]))
        return series[index] if series else TimeSeries()

    return pick


def _period(operands: Sequence[Value | str], _: Grid) -> Value:
    series = _value(operands[0])
    if not isinstance(series, TimeSeries):
        raise MathError("PERIOD takes a metric")
    return float(series.period)


def _count(operands: Sequence[Value | str], _: Grid) -> Value:
    operand = _value(operands[0])
    if isinstance(operand, TimeSeries):
        return float(len(operand.points))
    return _aggregate(lambda values: float(len(values)))(operands, _)


def _time_series(operands: Sequence[Value | str], grid: Grid) -> Value:
    constant = number(_value(operands[0]))
    return TimeSeries(dict.fromkeys(grid, constant), _grid_period(grid))


def _grid_period(grid: Grid) -> int:
    return round(grid[1] - grid[0]) if len(grid) > 1 else 60


def _if(operands: Sequence[Value | str], _: Grid) -> Value:
    condition, then, *rest = [_value(operand) for operand in operands]
    otherwise = rest[0] if rest else None
    if isinstance(condition, list):
        raise MathError("the condition of IF can't be an array of time series")
    if not isinstance(condition, TimeSeries):
        chosen = then if condition else otherwise
        return TimeSeries() if chosen is None else chosen
    points: dict[float, float] = {}
    for at, truth in condition.points.items():
        if truth:
            points[at] = at_time(then, at) or 0.0  # what is wanted but missing is 0, by the table of IF
        elif otherwise is not None and (value := at_time(otherwise, at)) is not None:
            points[at] = value
    return condition.with_points(points)


def _fill(operands: Sequence[Value | str], grid: Grid) -> Value:
    operand, filler = _value(operands[0]), operands[1]
    filled: Array = [one.with_points(_filled(one, filler, grid)) for one in array(operand)]
    return filled if isinstance(operand, list) else filled[0]


def _filled(series: TimeSeries, filler: Value | str, grid: Grid) -> dict[float, float]:
    times = sorted({*grid, *series.points})
    if filler == "REPEAT":
        return _repeated(series, times)
    if filler == "LINEAR":
        return _interpolated(series, times)
    if isinstance(filler, str):
        raise MathError("FILL takes a number, a time series, REPEAT or LINEAR")
    points = {at: series.points.get(at, at_time(filler, at)) for at in times}
    return {at: value for at, value in points.items() if value is not None}


def _repeated(series: TimeSeries, times: Sequence[float]) -> dict[float, float]:
    points: dict[float, float] = {}
    last: float | None = None
    for at in times:
        last = series.points.get(at, last)
        if last is not None:
            points[at] = last
    return points


def _interpolated(series: TimeSeries, times: Sequence[float]) -> dict[float, float]:
    points = dict(series.points)
    known = sorted(series.points)
    for before, after in itertools.pairwise(known):
        low, high = series.points[before], series.points[after]
        for at in times:
            if before < at < after:
                points[at] = low + (high - low) * (at - before) / (after - before)
    return points


def _logarithm(of: Callable[[float], float]) -> Callable[[float], float | None]:
    return lambda value: of(value) if value > 0 else None


FUNCTIONS: dict[str, tuple[Function, int, int]] = {
    "ABS": (_by_point(abs), 1, 1),
    "AVG": (_aggregate(statistics.fmean, zeros=True), 1, 1),
    "CEIL": (_by_point(math.ceil), 1, 1),
    "DATAPOINT_COUNT": (_count, 1, 1),
    "DIFF": (_over_time(_difference), 1, 1),
    "FILL": (_fill, 2, 2),
    "FIRST": (_pick(0), 1, 1),
    "FLOOR": (_by_point(math.floor), 1, 1),
    "IF": (_if, 2, 3),
    "LAST": (_pick(-1), 1, 1),
    "LOG": (_by_point(_logarithm(math.log)), 1, 1),
    "LOG10": (_by_point(_logarithm(math.log10)), 1, 1),
    "MAX": (_aggregate(max), 1, 1),
    "MIN": (_aggregate(min), 1, 1),
    "PERIOD": (_period, 1, 1),
    "RATE": (_over_time(_rate), 1, 1),
    "RUNNING_SUM": (_over_time(_running_sum), 1, 1),
    "STDDEV": (_aggregate(statistics.pstdev), 1, 1),
    "SUM": (_aggregate(math.fsum), 1, 1),
    "TIME_SERIES": (_time_series, 1, 1),
}
"""Name -> function, least and most arguments. METRICS and SEARCH need the queries: see `expressions`."""
