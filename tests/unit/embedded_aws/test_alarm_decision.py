"""Datapoints to states: the documented examples of alarms with missing data."""

import pytest

from infra.embedded.aws.cloudwatch.actions import State
from infra.embedded.aws.cloudwatch.decision import Condition, decide

_OK, _ALARM, _UNKNOWN = State.OK, State.ALARM, State.UNKNOWN
_KEPT = None


def _condition(datapoints: int, missing: str, periods: int = 3) -> Condition:
    return Condition(
        comparison="GreaterThanThreshold",
        threshold=0.5,
        periods=periods,
        datapoints=datapoints,
        missing=missing,
    )


def _points(drawn: str) -> list[float | None]:
    """Read points as the user guide draws them: 0 is fine, X breaches, - is missing; the newest is last."""
    return [{"0": 0.0, "X": 1.0, "-": None}[mark] for mark in drawn.split()]


def _states(datapoints: int, drawn: str, current: State) -> list[State]:
    treatments = ("missing", "ignore", "breaching", "notBreaching")
    return [decide(_condition(datapoints, one), _points(drawn), current).state for one in treatments]


@pytest.mark.parametrize("current", list(State))
@pytest.mark.parametrize(
    ("drawn", "filled", "expected"),
    [
        ("0 - X - X", 0, [_OK, _OK, _OK, _OK]),
        ("0 - - - -", 2, [_OK, _OK, _OK, _OK]),
        ("- - - - -", 3, [_UNKNOWN, _KEPT, _ALARM, _OK]),
        ("0 X X - X", 0, [_ALARM, _ALARM, _ALARM, _ALARM]),
        ("- - X - -", 2, [_ALARM, _KEPT, _ALARM, _OK]),
    ],
)
def test_three_of_three(drawn: str, filled: int, expected: list[State | None], current: State) -> None:
    """First table of "Configuring how alarms treat missing data" (alarms-and-missing-data.html)."""
    assert _states(3, drawn, current) == [current if state is _KEPT else state for state in expected]
    assert decide(_condition(3, "missing"), _points(drawn), current).filled == filled


@pytest.mark.parametrize("current", list(State))
@pytest.mark.parametrize(
    ("drawn", "filled", "expected"),
    [
        ("0 - X - X", 0, [_ALARM, _ALARM, _ALARM, _ALARM]),
        ("0 0 X 0 X", 0, [_ALARM, _ALARM, _ALARM, _ALARM]),
        ("0 - X - -", 1, [_OK, _OK, _ALARM, _OK]),
        ("- - - - 0", 2, [_OK, _OK, _ALARM, _OK]),
        ("- - - X -", 2, [_ALARM, _KEPT, _ALARM, _OK]),
    ],
)
def test_two_of_three(drawn: str, filled: int, expected: list[State | None], current: State) -> None:
    """Second table of "Configuring how alarms treat missing data" (alarms-and-missing-data.html)."""
    assert _states(2, drawn, current) == [current if state is _KEPT else state for state in expected]
    assert decide(_condition(2, "missing"), _points(drawn), current).filled == filled


@pytest.mark.parametrize("drawn", ["- - - - X", "- - - X -"])
def test_single_breach_is_no_alarm_yet(drawn: str) -> None:
    """The next datapoint may be a good one ("Avoiding premature transitions" of the same page)."""
    assert decide(_condition(3, "missing"), _points(drawn), State.UNKNOWN).state is State.UNKNOWN
    assert decide(_condition(3, "missing"), _points(drawn), State.OK).state is State.OK


def test_only_the_newest_datapoints_count_when_none_is_missing() -> None:
    """Extra datapoints from farther back are ignored."""
    assert decide(_condition(3, "missing"), _points("X X 0 0 0"), State.ALARM).state is State.OK


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanThreshold", [2.0]),
        ("GreaterThanOrEqualToThreshold", [1.0, 2.0]),
        ("LessThanThreshold", [0.0]),
        ("LessThanOrEqualToThreshold", [0.0, 1.0]),
    ],
)
def test_comparisons_differ_at_the_threshold(comparison: str, breaching: list[float]) -> None:
    """A value at the threshold breaches only with "or equal"."""
    condition = Condition(comparison=comparison, threshold=1.0, periods=1, datapoints=1)
    assert [value for value in (0.0, 1.0, 2.0) if condition.breaches(value)] == breaching
