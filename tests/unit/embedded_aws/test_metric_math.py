"""Metric math: what each operation and function gives for numbers, series and arrays."""

import pytest

from infra.embedded.aws.cloudwatch import expressions
from infra.embedded.aws.cloudwatch.values import Array, MathError, TimeSeries, Value

_GRID = (0.0, 60.0, 120.0, 180.0)


def _series(*values: float | None) -> TimeSeries:
    points = {at: value for at, value in zip(_GRID, values, strict=True) if value is not None}
    return TimeSeries(points, 60, "m")


_METRICS = {
    "m1": _series(1, 2, None, 4),
    "m2": _series(10, 0, 30, 40),
    "errors1": _series(1, None, None, None),
    "errors2": _series(2, 3, None, None),
}


def _no_search(text: str, statistic: str, period: int | None) -> Array:
    raise AssertionError("there is no SEARCH in this expression")


def _evaluate(expression: str) -> Value:
    return expressions.evaluate(expression, _METRICS, _METRICS, _GRID, _no_search)


def _values(expression: str) -> list[float | None]:
    found = _evaluate(expression)
    assert isinstance(found, TimeSeries)
    return [found.points.get(at) for at in _GRID]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1 + m2", [11, 2, 30, 44]),
        ("m1 + errors1", [2, 2, None, 4]),
        ("100 * m1 / m2", [10, None, 0, 10]),
        ("m2 / m1", [10, 0, None, 10]),
        ("-m1 ^ 2", [-1, -4, None, -16]),
        ("m1 > 1", [0, 1, None, 1]),
        ("m1 < m2", [1, 0, 1, 1]),
        ("m1 > 1 AND m2 > 0", [0, 0, 0, 1]),
        ("m1 > 1 && m2 > 0 || m1 == 1", [1, 0, 0, 1]),
        ("IF(m1 >= 2, m2, 7)", [7, 0, None, 40]),
        ("IF(m2 >= 10, m1, 7)", [1, 7, 0, 4]),
        ("IF(m2 >= 40, 1, m1)", [1, 2, None, 1]),
        ("IF(m1 >= 2, m2)", [None, 0, None, 40]),
        ("IF(1 > 2, m1, m2)", [10, 0, 30, 40]),
        ("FILL(m1, 0)", [1, 2, 0, 4]),
        ("FILL(m1, REPEAT)", [1, 2, 2, 4]),
        ("FILL(m1, LINEAR)", [1, 2, 3, 4]),
        ("FILL(m1, m2)", [1, 2, 30, 4]),
        ("CEIL(m1 / 3) + FLOOR(m1 / 3) + ABS(-m1)", [2, 3, None, 7]),
        ("LOG10(m2)", [1, None, pytest.approx(1.4771212), pytest.approx(1.6020599)]),
        ("DIFF(m2)", [None, -10, 30, 10]),
        ("RATE(m1) * 60", [None, 1, None, 1]),
        ("RUNNING_SUM(m1)", [1, 3, None, 7]),
        ("SUM([m1, m2])", [11, 2, 30, 44]),
        ("AVG([m1, m2])", [5.5, 1, 15, 22]),
        ("MAX([m1, m2, 3])", [10, 3, 30, 40]),
        ('SUM(METRICS("errors"))', [3, 3, None, None]),
        ("MIN(METRICS())", [1, 0, 30, 4]),
        ("LAST([m1, m2])", [10, 0, 30, 40]),
        ("m1 - AVG(m1)", [pytest.approx(-4 / 3), pytest.approx(-1 / 3), None, pytest.approx(5 / 3)]),
        ("m1 / PERIOD(m1) * 60", [1, 2, None, 4]),
        ("TIME_SERIES(SUM(m1))", [7, 7, 7, 7]),
        ("m1 + DATAPOINT_COUNT(m1)", [4, 5, None, 7]),
        ("DATAPOINT_COUNT([m1, m2])", [2, 2, 1, 2]),
    ],
)
def test_expression(expression: str, expected: list[float | None]) -> None:
    """The functions table and operator rules of "Using math expressions with CloudWatch metrics"."""
    assert _values(expression) == expected


def test_missing_values_are_as_in_the_user_guide() -> None:
    """The two tables of the user guide: comparisons and AND over gaps, and IF with a metric that has some."""
    metrics = {
        "metric1": _series(30, 20, 0, 0),
        "metric2": _series(20, None, 20, None),
        "chosen": _series(1, 1, 0, 0),
        "then": _series(30, None, 0, 0),
        "otherwise": _series(0, 0, 20, None),
    }

    def values(expression: str) -> list[float | None]:
        found = expressions.evaluate(expression, metrics, metrics, _GRID, _no_search)
        assert isinstance(found, TimeSeries)
        return [found.points.get(at) for at in _GRID]

    assert values("metric1 < metric2") == [0, 0, 1, 0]
    assert values("metric1 > 15 AND metric2 > 15") == [1, 0, 0, 0]
    assert values("IF(chosen, then, otherwise)") == [30, 0, 20, None]
    assert values("IF(chosen, then, 5)") == [30, 0, 5, 5]


def test_operation_with_an_array_is_done_for_each_series() -> None:
    """METRICS()/2 is an array again."""
    found = _evaluate('METRICS("errors") / 2')
    assert isinstance(found, list)
    assert [series.points for series in found] == [{0: 0.5}, {0: 1, 60: 1.5}]


@pytest.mark.parametrize(
    "expression",
    [
        *("", "m1 +", "NOPE(m1)", "unknown", "m1.points", "(lambda: 1)()", "m1 if m1 else 0", "1 < m1 < 2"),
        *("ABS()", "IF(METRICS(), 1, 0)", "FILL(m1)", "m1 % 2", "'text'", "1/0", "PERIOD(3)"),
    ],
)
def test_wrong_expression_is_an_error(expression: str) -> None:
    """Nothing that is not metric math is evaluated, and nothing wrong gives an empty result."""
    with pytest.raises(MathError):
        _evaluate(expression)


def test_names_are_those_of_queries() -> None:
    """Function names and words for FILL are no ids."""
    assert expressions.names("IF(m1 > 1, FILL(m2, REPEAT), e1)") == {"m1", "m2", "e1"}
