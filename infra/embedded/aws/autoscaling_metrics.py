"""Group metrics of autoscaling: sizes and instance counts, in namespace AWS/AutoScaling.

Each group publishes those that were enabled, once a minute of emulated time, yet not more than once a
second: faster changes nothing that one could see.
"""

from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult

from infra.embedded import aws
from infra.embedded.aws import cloudwatch
from infra.embedded.aws.autoscaling_group import Group, group_of
from infra.embedded.aws.fleet import Lifecycle
from infra.embedded.aws.patching import add, override

NAMESPACE = "AWS/AutoScaling"
_STATES = ("InService", "Pending", "Standby", "Terminating", "Total")
METRICS = (
    "GroupMinSize",
    "GroupMaxSize",
    "GroupDesiredCapacity",
    *(f"Group{state}Instances" for state in _STATES),
    *(f"Group{state}Capacity" for state in _STATES),
)
"""Without weights, a group's capacity is its number of instances."""


def install() -> None:
    """Put the fixes into moto."""
    override(AutoScalingResponse, "enable_metrics_collection", _enable)
    add(AutoScalingResponse, "disable_metrics_collection", _disable)


def publish(now: float) -> None:
    """Publish the enabled metrics of each group for which a minute began since the last time."""
    with aws.lock:
        for regions in autoscaling_backends.values():
            for backend in regions.values():
                for group in backend.autoscaling_groups.values():
                    if group.metrics and group.beat.strikes(now):
                        _publish(group, now)


def _publish(group: Group, now: float) -> None:
    dimensions = {"AutoScalingGroupName": group.name}
    for name, value in measure(group).items():
        if name in group.metrics:
            values = [(float(value), 1.0)]
            cloudwatch.record(group.account_id, group.region, NAMESPACE, name, dimensions, values, now)


def measure(group: Group) -> dict[str, int]:
    """All metrics of a group, by name."""
    states = [member.lifecycle for member in group.instance_states]
    counts = {
        "InService": states.count(Lifecycle.IN_SERVICE),
        "Pending": sum(state.value.startswith("Pending") for state in states),
        "Standby": 0,
        "Terminating": sum(state.leaving for state in states),
        "Total": len(states),
    }
    return {
        "GroupMinSize": int(group.min_size or 0),
        "GroupMaxSize": int(group.max_size or 0),
        "GroupDesiredCapacity": int(group.desired_capacity or 0),
        **{f"Group{state}Instances": count for state, count in counts.items()},
        **{f"Group{state}Capacity": count for state, count in counts.items()},
    }


def _enable(self: Any) -> ActionResult:
    """Moto forgets what was enabled before, and takes no names for none."""
    group = group_of(self)
    wanted = self._get_param("Metrics") or METRICS
    group.metrics = list(dict.fromkeys([*group.metrics, *wanted]))
    return EmptyResult()


def _disable(self: Any) -> ActionResult:
    """Moto has no such action."""
    group = group_of(self)
    unwanted = self._get_param("Metrics") or group.metrics
    group.metrics = [name for name in group.metrics if name not in unwanted]
    return EmptyResult()
