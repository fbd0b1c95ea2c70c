"""Which state the datapoints of an alarm mean: the rules of the CloudWatch user guide, pure.

CloudWatch looks at more datapoints than it evaluates (the evaluation range), takes real ones before it
fills gaps, and is slow to alarm where a single one may be followed by a good one ("Configuring how CloudWatch
alarms treat missing data").
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infra.embedded.aws.cloudwatch.actions import State

EXTRA_PERIODS = 2
"""How many periods more than those evaluated are looked at; the user guide's examples have two."""

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
MISSING = ("missing", "ignore", "breaching", "notBreaching")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """When an alarm alarms."""

    comparison: str
    threshold: float
    periods: int
    datapoints: int
    """How many of `periods` datapoints must breach."""
    missing: str = "missing"

    @property
    def range(self) -> int:
        """How many periods are looked at."""
        return self.periods + EXTRA_PERIODS

    def breaches(self, value: float) -> bool:
        """Whether a datapoint is beyond the threshold."""
        return COMPARISONS[self.comparison](value, self.threshold)


@dataclass(frozen=True)
class Verdict:
    """What an alarm found: state, the real datapoints it counted (newest last), and how many it filled in."""

    state: State
    values: tuple[float, ...]
    filled: int


def decide(condition: Condition, points: Sequence[float | None], current: State) -> Verdict:
    """Judge the datapoints of the evaluation range, newest last, None where there is none."""
    real = [value for value in points if value is not None]
    counted = tuple(real[-condition.periods :])
    filled = condition.periods - len(counted)
    breaching = sum(map(condition.breaches, counted))
    if breaching >= condition.datapoints:
        return Verdict(State.ALARM, counted, filled)
    if not filled or condition.missing == "notBreaching":
        return Verdict(State.OK, counted, filled)
    if condition.missing == "breaching":
        alarms = breaching + filled >= condition.datapoints
        return Verdict(State.ALARM if alarms else State.OK, counted, filled)
    return Verdict(_sparse(condition, points, breaching, current), counted, filled)


def _sparse(condition: Condition, points: Sequence[float | None], breaching: int, current: State) -> State:
    """Too few datapoints, gaps are missing or ignored, and too few of the datapoints breach."""
    ages = [len(points) - index for index, value in enumerate(points) if value is not None]
    if len(ages) > breaching:
        return State.OK
    if condition.missing == "ignore":
        return current
    if not ages:
        return State.UNKNOWN
    # All breach: an alarm is premature until the oldest one is as old as the datapoints to alarm.
    return State.ALARM if ages[0] >= condition.datapoints else current
