"""What scaling policies want, on the examples that AWS documents.

Pages: https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-simple-step.html (steps),
https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html (target tracking),
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StepAdjustment.html (bounds).
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.embedded.aws import scaling
from infra.embedded.aws.scaling import Adjustment, Aggregation, Capacity, Step

# The user guide's policies around a threshold of 50.
OUT = (
    Step(adjustment=0, lower=0, upper=10),
    Step(adjustment=10, lower=10, upper=20),
    Step(adjustment=30, lower=20),
)
IN = (
    Step(adjustment=0, lower=-10, upper=0),
    Step(adjustment=-10, lower=-20, upper=-10),
    Step(adjustment=-30, upper=-20),
)


def capacity(ready: int, **changes: Any) -> Capacity:
    """A group between 0 and 100 that has what it wants, unless told otherwise."""
    values = {"desired": ready, "minimum": 0, "maximum": 100, "ready": ready}
    return Capacity(**(values | changes))


@pytest.mark.parametrize(
    ("steps", "metric", "adjustment"),
    [
        (OUT, 50, 0),
        (OUT, 59.9, 0),
        (OUT, 60, 10),
        (OUT, 70, 30),
        (IN, 50, 0),
        (IN, 40.1, 0),
        (IN, 40, -10),
        (IN, 30, -30),
    ],
)
def test_bounds_of_steps(steps: tuple[Step, ...], metric: float, adjustment: int) -> None:
    """Above the threshold the lower bound is inclusive, below it the upper one (StepAdjustment)."""
    found = scaling.step_for(steps, metric - 50)
    assert found is not None
    assert found.adjustment == adjustment


def test_a_breach_outside_of_all_steps_has_none() -> None:
    """A policy to scale out has nothing to say about a metric below its threshold."""
    assert scaling.step_for(OUT, -1) is None


@pytest.mark.parametrize(
    ("current", "percent", "after"),
    [(127, 10, 139), (67, 1, 68), (58, -1, 57), (667, -1, 661), (11, 30, 14), (14, -10, 13), (13, -30, 10)],
)
def test_percentages_are_rounded_towards_zero_but_never_to_it(current: int, percent: int, after: int) -> None:
    """12.7 is 12, .67 is 1, -.58 is -1, -6.67 is -6 (scaling adjustment types)."""
    assert scaling.adjusted(current, Adjustment.PERCENT, percent) == after


@pytest.mark.parametrize(
    ("kind", "amount", "magnitude", "after"),
    [
        (Adjustment.CHANGE, 5, 0, 8),
        (Adjustment.CHANGE, -2, 0, 1),
        (Adjustment.EXACT, 5, 0, 5),
        (Adjustment.PERCENT, 25, 2, 5),
        (Adjustment.PERCENT, -25, 2, 1),
    ],
)
def test_kinds_of_adjustment(kind: Adjustment, amount: int, magnitude: int, after: int) -> None:
    """Of a capacity of 3: change by, change to, and a percentage of at least a number (adjustment types)."""
    assert scaling.adjusted(3, kind, amount, magnitude) == after


def test_steps_as_the_user_guide_walks_them() -> None:
    """From 10: at 60 to 11, at 70 to 14, at 40 to 13, at 30 to 10 (step adjustments)."""
    now = 10
    for metric, steps, after in ((60, OUT, 11), (70, OUT, 14), (40, IN, 13), (30, IN, 10)):
        step = scaling.step_for(steps, metric - 50)
        assert step is not None
        now = scaling.by_step(capacity(now), Adjustment.PERCENT, step.adjustment)
        assert now == after


def test_a_larger_step_counts_what_warms_up() -> None:
    """At 60 one instance of ten was added; at 70, while it warms up, two more make the three (warm-up)."""
    warming = capacity(10, desired=11, starting=1)
    assert scaling.by_step(warming, Adjustment.PERCENT, 30) == 13


def test_the_same_step_twice_adds_once() -> None:
    """Two breaches in the range of one step, during the warm-up, are a single activity (warm-up)."""
    warming = capacity(10, desired=11, starting=1)
    assert scaling.by_step(warming, Adjustment.PERCENT, 10) == 11


def test_leaving_instances_still_count_when_scaling_in() -> None:
    """Nothing more is removed than a step says, while the first ones terminate (step scaling)."""
    leaving = capacity(9, leaving=1)
    assert scaling.by_step(leaving, Adjustment.PERCENT, -10) == 9


def test_no_step_in_while_instances_start() -> None:
    """A scale-in can't start while a scale-out is in progress (warm-up)."""
    warming = capacity(10, desired=11, starting=1)
    assert scaling.by_step(warming, Adjustment.CHANGE, -5) == 11
    assert scaling.by_step(warming, Adjustment.EXACT, 2) == 11


@pytest.mark.parametrize(("amount", "after"), [(50, 12), (-50, 2)])
def test_bounds_hold(amount: int, after: int) -> None:
    """No adjustment passes the group's minimum or maximum (adjustment types)."""
    assert scaling.by_step(capacity(10, minimum=2, maximum=12), Adjustment.CHANGE, amount) == after
    assert scaling.by_adjustment(capacity(10, minimum=2, maximum=12), Adjustment.CHANGE, amount) == after


def test_an_empty_group_wakes_by_a_step() -> None:
    """From zero, a step brings one instance, and repeating it while that boots brings no second."""
    assert scaling.by_step(capacity(0), Adjustment.CHANGE, 1) == 1
    assert scaling.by_step(capacity(0, desired=1, starting=1), Adjustment.CHANGE, 1) == 1


@pytest.mark.parametrize(
    ("how", "value"), [(Aggregation.AVERAGE, 60), (Aggregation.MINIMUM, 50), (Aggregation.MAXIMUM, 70)]
)
def test_aggregation(how: Aggregation, value: float) -> None:
    """Datapoints become the value that steps are chosen by (MetricAggregationType)."""
    assert how.of([50, 60, 70]) == value


def test_target_tracking_rounds_against_too_little_capacity() -> None:
    """To add 1.5 instances means two, to remove 1.5 means one (target tracking, considerations)."""
    assert scaling.out_for_target(capacity(5), 65, 50) == 7  # 6.5
    assert scaling.in_for_target(capacity(5), [scaling.for_target(capacity(5), 35, 50)]) == 4  # 3.5


def test_a_breach_that_goes_on_adds_nothing_twice() -> None:
    """While what was added starts, the metric still speaks of those before (warm-up)."""
    first = scaling.out_for_target(capacity(2), 20, 10)
    assert first == 4
    assert scaling.out_for_target(capacity(2, desired=4, starting=2), 20, 10) == 4
    assert scaling.out_for_target(capacity(2, desired=4, starting=2), 30, 10) == 6


def test_largest_capacity_wins_and_all_must_agree_to_scale_in() -> None:
    """Scaling in takes every policy's consent, and keeps the most that one wants (multiple policies)."""
    assert scaling.in_for_target(capacity(10), [4, 7]) == 7
    assert scaling.in_for_target(capacity(10), [4, None]) == 10


@pytest.mark.parametrize("busy", [{"starting": 1, "desired": 11}, {"leaving": 1}])
def test_one_scale_in_at_a_time(busy: dict[str, int]) -> None:
    """Not while instances warm up, nor while others terminate (target tracking)."""
    now = capacity(10, **busy)
    assert scaling.in_for_target(now, [1]) == now.desired


def test_an_empty_group_gets_its_first_instance() -> None:
    """A metric of others, such as a model's on-demand replicas, brings one; then it is proportional."""
    assert scaling.out_for_target(capacity(0), 100, 10) == 1
    assert scaling.out_for_target(capacity(0, desired=1, starting=1), 100, 10) == 1
    assert scaling.out_for_target(capacity(0, leaving=2), 100, 10) == 0
    assert scaling.out_for_target(capacity(0, maximum=0), 100, 10) == 0


@given(
    ready=st.integers(1, 100),
    metric=st.floats(0, 1e6),
    target=st.floats(0.001, 1e6),
)
def test_target_is_met_with_the_least_capacity(ready: int, metric: float, target: float) -> None:
    """The load shared by what is wanted is at the target or below; with one less it would be above."""
    unbounded = capacity(ready, maximum=10**18)
    wanted = scaling.for_target(unbounded, metric, target)
    load = ready * metric
    assert load <= target * wanted * (1 + 1e-6) + target * 1e-6
    assert wanted == 0 or load > target * (wanted - 1) * (1 - 1e-6) - target * 1e-6
