"""What metric math computes with: numbers, time series and arrays of time series.

A time series keeps datapoints by epoch second. An operation on two series gives a datapoint wherever one of
them has one, and a missing one counts as 0; what has no result (division by zero, logarithm of nothing) has
no datapoint.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace


class MathError(ValueError):
    """A metric math expression that AWS refuses; the text says why."""


@dataclass(frozen=True)
class TimeSeries:
    """Datapoints by epoch seconds, and how many seconds each stands for."""

    points: Mapping[float, float] = field(default_factory=dict)
    period: int = 60
    label: str = ""

    def with_points(self, points: Mapping[float, float]) -> "TimeSeries":
        """The same series with other datapoints."""
        return replace(self, points=points)


Array = list[TimeSeries]
Value = float | TimeSeries | Array

Binary = Callable[[float, float], float | None]


def each(operand: Value, change: Callable[[float], float | None]) -> Value:
    """Apply a function to every datapoint; None drops it. Raises MathError for a number without result."""
    if isinstance(operand, list):
        return [_each(series, change) for series in operand]
    if isinstance(operand, TimeSeries):
        return _each(operand, change)
    result = change(operand)
    if result is None:
        raise MathError("a constant of the expression has no value")
    return result


def _each(series: TimeSeries, change: Callable[[float], float | None]) -> TimeSeries:
    changed = {at: change(value) for at, value in series.points.items()}
    return series.with_points({at: value for at, value in changed.items() if value is not None})


def combine(left: Value, right: Value, operation: Binary) -> Value:
    """Apply an operation of two operands datapoint by datapoint. Raises MathError."""
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            raise MathError("arrays of different length can't be combined")
        return [_combine(one, other, operation) for one, other in zip(left, right, strict=True)]
    if isinstance(left, list):
        return [_combine(one, right, operation) for one in left]
    if isinstance(right, list):
        return [_combine(left, one, operation) for one in right]
    if isinstance(left, TimeSeries) or isinstance(right, TimeSeries):
        return _combine(left, right, operation)
    result = operation(left, right)
    if result is None:
        raise MathError("a constant of the expression has no value")
    return result


def _combine(
    left: float | TimeSeries | Array, right: float | TimeSeries | Array, operation: Binary
) -> TimeSeries:
    series = left if isinstance(left, TimeSeries) else right
    if not isinstance(series, TimeSeries):
        raise MathError("one of the operands must be a time series")
    times = {at for one in (left, right) if isinstance(one, TimeSeries) for at in one.points}
    results = {at: operation(at_time(left, at) or 0.0, at_time(right, at) or 0.0) for at in sorted(times)}
    return series.with_points({at: result for at, result in results.items() if result is not None})


def at_time(operand: Value, at: float) -> float | None:
    """Value of a number or series at a time, None without a datapoint. Raises MathError for an array."""
    if isinstance(operand, TimeSeries):
        return operand.points.get(at)
    if isinstance(operand, list):
        raise MathError("an array of time series is not possible here")
    return operand


def number(operand: Value) -> float:
    """The operand, if it is a number. Raises MathError."""
    if isinstance(operand, TimeSeries | list):
        raise MathError("a number is expected")
    return operand


def array(operand: Value) -> Array:
    """The operand as an array of series. Raises MathError for a number."""
    if isinstance(operand, list):
        return operand
    if isinstance(operand, TimeSeries):
        return [operand]
    raise MathError("a time series is expected")


def divide(left: float, right: float) -> float | None:
    """Quotient, or no datapoint."""
    return left / right if right else None


def power(left: float, right: float) -> float | None:
    """Power, or no datapoint where it is no real number."""
    try:
        result = left**right
    except (ZeroDivisionError, OverflowError):
        return None
    return result if isinstance(result, float | int) and math.isfinite(result) else None
