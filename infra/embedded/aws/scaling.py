"""How much capacity a scaling policy wants, as pure functions: steps, adjustments, target tracking.

The rules are those of the EC2 Auto Scaling user guide. Two capacities matter. Metrics speak of the *current*
capacity: the instances whose warm-up is over. What a policy wants is compared with the *desired* capacity,
which also has those still starting, so that a breach that goes on adds nothing twice. Nothing here knows
alarms, moto or the time; whether a policy may act now is decided from flags that others observed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_CLOSE = 1e-9
"""Capacities that are whole but for floating point are whole."""


class Adjustment(StrEnum):
    """How a number in a policy is to be read."""

    CHANGE = "ChangeInCapacity"
    EXACT = "ExactCapacity"
    PERCENT = "PercentChangeInCapacity"


class Aggregation(StrEnum):
    """How the datapoints of a breach become one value."""

    AVERAGE = "Average"
    MINIMUM = "Minimum"
    MAXIMUM = "Maximum"

    def of(self, values: Sequence[float]) -> float:
        """Aggregate at least one value."""
        if self is Aggregation.MINIMUM:
            return min(values)
        return max(values) if self is Aggregation.MAXIMUM else sum(values) / len(values)


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """A group's instances as a scaling policy counts them."""

    desired: int
    minimum: int
    maximum: int
    ready: int
    """In service, and their warm-up is over."""
    starting: int = 0
    """Pending, or in service and warming up."""
    leaving: int = 0

    def within(self, wanted: int) -> int:
        """The nearest capacity that the group's bounds allow."""
        return max(self.minimum, min(self.maximum, wanted))


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step adjustment; its bounds are relative to the alarm's threshold, None is infinity."""

    adjustment: int
    lower: float | None = None
    upper: float | None = None

    def holds(self, breach: float) -> bool:
        """Whether a breach of this size is in the step.

        At and above the threshold the lower bound belongs to the step; below it the upper one does. A breach
        of exactly 0 belongs to both the step that begins there and the one that ends there: a policy has one.
        """
        low = -math.inf if self.lower is None else self.lower
        high = math.inf if self.upper is None else self.upper
        above, below = low <= breach < high, low < breach <= high
        if breach == 0:
            return above or below
        return above if breach > 0 else below


def step_for(steps: Sequence[Step], breach: float) -> Step | None:
    """The step that a breach (metric less threshold) falls in."""
    return next((step for step in steps if step.holds(breach)), None)


def adjusted(current: int, kind: Adjustment, amount: int, magnitude: int = 0) -> int:
    """What an adjustment makes of a capacity; `magnitude` is the least change by percentage.

    Percentages are rounded towards zero, but a change of less than one instance is one.
    """
    if kind is Adjustment.EXACT:
        return amount
    if kind is Adjustment.CHANGE:
        return current + amount
    change = current * amount / 100
    size = max(math.floor(abs(change) + _CLOSE), magnitude, 1 if change else 0)
    return current + int(math.copysign(size, amount or 1))


def by_adjustment(capacity: Capacity, kind: Adjustment, amount: int, magnitude: int = 0) -> int:
    """Desired capacity after a simple scaling policy, or a policy executed by hand."""
    return capacity.within(adjusted(capacity.desired, kind, amount, magnitude))


def by_step(capacity: Capacity, kind: Adjustment, amount: int, magnitude: int = 0) -> int:
    """Desired capacity after a step.

    Scaling out, instances that start are no capacity yet: the step is taken from those that are ready, and
    what starts already counts towards it. Scaling in, instances that leave still are capacity, for the same
    reason; and nothing is taken away while something is being added.
    """
    if kind is Adjustment.EXACT:
        wanted = capacity.within(amount)
        return capacity.desired if wanted < capacity.desired and capacity.starting else wanted
    if amount > 0:
        return max(capacity.desired, capacity.within(adjusted(capacity.ready, kind, amount, magnitude)))
    if amount == 0 or capacity.starting:
        return capacity.desired
    wanted = capacity.within(adjusted(capacity.ready + capacity.leaving, kind, amount, magnitude))
    return min(capacity.desired, wanted)


def for_target(capacity: Capacity, metric: float, target: float) -> int:
    """Capacity that brings a metric per instance to its target, never above it, within the bounds.

    Rounded up both ways, which is what makes scaling in conservative: to add 1.5 instances means two, to
    remove 1.5 means one.
    """
    return capacity.within(math.ceil(capacity.ready * metric / target - _CLOSE))


def out_for_target(capacity: Capacity, metric: float, target: float) -> int:
    """Desired capacity after a breach of the target: more or the same.

    An empty group gets its first instance: there is no proportion of nothing, yet the metric (of instances
    of other groups, or of a queue) says that one is needed.
    """
    if not (capacity.ready or capacity.starting or capacity.leaving):
        return max(capacity.desired, capacity.within(1))
    return max(capacity.desired, for_target(capacity, metric, target))


def in_for_target(capacity: Capacity, wanted: Sequence[int | None]) -> int:
    """Desired capacity when the metrics are well below their targets: less or the same.

    `wanted` has what each target tracking policy of the group wants, None for one that sees no reason to
    scale in: all must agree, and the largest wish counts. One activity at a time: not while instances start
    or leave.
    """
    if capacity.starting or capacity.leaving or not wanted:
        return capacity.desired
    agreed = [capacity.desired if one is None else one for one in wanted]
    return min(capacity.desired, max(agreed))
