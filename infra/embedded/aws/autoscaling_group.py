"""Autoscaling groups, their instances, hooks and policies, as moto is to hold them.

A group here only records: its desired capacity is a wish, which `autoscaling.reconcile` fulfils. The
attribute names are those that moto's serialiser looks for (the API's names in snake case).
"""

import json
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from moto.autoscaling import models
from moto.autoscaling.exceptions import ValidationError
from moto.ec2.models.instances import Instance
from moto.ec2.models.launch_templates import LaunchTemplateVersion

from infra.embedded.aws import NotEmulatedError
from infra.embedded.aws.fleet import Distribution, Hook, Lifecycle, Place, Wait
from infra.embedded.aws.pace import Beat
from infra.embedded.aws.scaling import Adjustment, Step

_KEPT_ACTIVITIES = 500
_DIFFERENCE = "a difference between desired and actual capacity"


@dataclass(kw_only=True)
class Activity:
    """A scaling activity, as DescribeScalingActivities tells it."""

    auto_scaling_group_name: str
    description: str
    cause: str
    start_time: datetime
    details: str
    status_code: str = "InProgress"
    status_message: str | None = None
    progress: int = 0
    end_time: datetime | None = None
    activity_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def end(self, now: float, status_code: str = "Successful", message: str | None = None) -> None:
        """Record how the activity ended; only the first end counts."""
        if self.end_time is None:
            self.status_code, self.status_message = status_code, message
            self.progress, self.end_time = 100, moment(now)


def moment(now: float) -> datetime:
    """Epoch seconds as moto keeps times."""
    return datetime.fromtimestamp(now, UTC).replace(tzinfo=None)


class Member(models.InstanceState):  # type: ignore[misc]
    """An instance of a group. moto puts it InService at once and derives its template from the group's."""

    def __init__(self, group: "Group", instance: Instance, version: LaunchTemplateVersion) -> None:
        instance.autoscaling_group = group
        super().__init__(
            instance,
            lifecycle_state=Lifecycle.PENDING.value,
            protected_from_scale_in=group.new_instances_protected_from_scale_in,
        )
        instance.autoscaling_member = self
        self.version = version
        self.waits: tuple[Wait, ...] = ()
        self.tokens: dict[str, str] = {}
        """Lifecycle action tokens by hook."""
        self.heartbeats: set[str] = set()
        """Hooks whose timeout is to start anew at the next reconcile."""
        self.in_service_since: float | None = None
        self.warming_since: float | None = None
        """Since when its warm-up counts: in service, and checked by its load balancers (epoch seconds)."""
        self.registered: set[str] = set()
        """Target groups that it was put into; not again, should somebody take it out."""
        self.launch_activity: Activity | None = None
        self.end_activity: Activity | None = None

    @property
    def launch_template(self) -> dict[str, str]:
        """The version it was launched from, whatever the group's is now."""
        template = self.version.template
        return {
            "LaunchTemplateId": template.id,
            "LaunchTemplateName": template.name,
            "Version": str(self.version.number),
        }

    @property
    def lifecycle(self) -> Lifecycle:
        """The lifecycle state, typed."""
        return Lifecycle(self.lifecycle_state)

    @property
    def target_state(self) -> str:
        """What the metadata service tells the instance that it is going to be."""
        if self.lifecycle.warmed:
            return Lifecycle.WARMED_STOPPED.value
        return "Terminated" if self.lifecycle.leaving else "InService"

    def await_hooks(self, waits: tuple[Wait, ...]) -> None:
        """Begin to wait for hooks."""
        self.waits = waits
        self.tokens = {wait.hook: str(uuid.uuid4()) for wait in waits}
        self.heartbeats.clear()

    def complete(self, hook: str, result: str) -> None:
        """Record the result of a hook's action."""
        self.waits = tuple(replace(wait, result=result) if wait.hook == hook else wait for wait in self.waits)


class LifecycleHook(models.LifecycleHook):  # type: ignore[misc]
    """A lifecycle hook. moto shows a role and a queue that nobody asked for: a change in every plan."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.role_arn: str | None = None
        self.notification_target_arn: str | None = None
        self.notification_metadata: str | None = None

    @property
    def rule(self) -> Hook:
        """The hook as `fleet` needs it."""
        return Hook(
            name=self.name,
            launching=self.lifecycle_transition == "autoscaling:EC2_INSTANCE_LAUNCHING",
            heartbeat_timeout=int(self.heartbeat_timeout),
            default_result=self.default_result,
        )


class ScalingPolicy(models.FakeScalingPolicy):  # type: ignore[misc]
    """A scaling policy. moto leaves out that it is enabled and its alarms, and adds what nobody asked for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.enabled = True
        self.predictive_scaling_configuration: Any = self.predictive_scaling_configuration or None
        self.cooldown: Any = kwargs.get("cooldown")
        self.token = str(uuid.uuid4())
        self.alarms: list[dict[str, str]] = []
        """Those that the policy brought along."""
        self.wish_in: int | None = None
        """The capacity that it last wanted to scale in to."""

    @property
    def alarm_names(self) -> list[str]:
        """Names of the alarms that the policy brought along."""
        return [alarm["AlarmName"] for alarm in self.alarms]

    @property
    def tracking(self) -> dict[str, Any]:
        """The target tracking configuration."""
        return dict(vars(self.target_tracking_configuration))

    @property
    def steps(self) -> list[Step]:
        """The step adjustments."""
        return [
            Step(
                adjustment=int(step["ScalingAdjustment"]),
                lower=_number(step.get("MetricIntervalLowerBound")),
                upper=_number(step.get("MetricIntervalUpperBound")),
            )
            for step in self.step_adjustments or ()
        ]

    @property
    def magnitude(self) -> int:
        """The least change by percentage."""
        return int(self.min_adjustment_magnitude or 0)

    @property
    def kind(self) -> Adjustment:
        """How its adjustments are to be read."""
        return Adjustment(self.adjustment_type)


class Group(models.FakeAutoScalingGroup):  # type: ignore[misc]
    """A group that records wishes and remembers what moto forgets."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("launch_config_name"):
            raise NotEmulatedError("launch configurations: use a launch template")
        if not kwargs.get("vpc_zone_identifier"):
            raise NotEmulatedError("groups without subnets: give VPCZoneIdentifier")
        self.activities: list[Activity] = []
        self.warm_members: list[Member] = []
        """Instances of the warm pool; they are no capacity of the group."""
        self.retry_at = 0.0
        """After a failed launch: not before this (epoch seconds)."""
        self.scaled_at: float | None = None
        """When a simple scaling policy last changed the desired capacity (epoch seconds)."""
        self.beat = Beat()
        """When its metrics are published."""
        self.reasons = ""
        """Why the desired capacity is what it is, as activities tell it, until the group has it."""
        self.status: str | None = None
        self.default_instance_warmup: int | None = None
        self.mixed_instances_policy: dict[str, Any] | None = None
        super().__init__(*args, **kwargs)

    @property
    def deleting(self) -> bool:
        """Whether the group was force-deleted and waits for its instances to end."""
        return self.status is not None

    @property
    def launch_template(self) -> dict[str, Any] | None:
        """The group's own template. moto fails here for a group with a mixed-instances policy."""
        if self.mixed_instances_policy:
            return None
        template: dict[str, Any] | None = super().launch_template
        return template

    @property
    def pinned_version(self) -> LaunchTemplateVersion:
        """The launch template version that the group launches from now."""
        assert self.ec2_launch_template is not None
        return self.ec2_launch_template.get_version(self.launch_template_version)

    def set_desired_capacity(self, new_capacity: int | None) -> None:
        """Record the wish. moto launches and terminates here, at once, all in one subnet."""
        self.desired_capacity = self.min_size if new_capacity is None else new_capacity

    def wish(self, desired: int, cause: str, now: float) -> None:
        """Change the desired capacity; activities that follow from it tell the cause."""
        before = int(self.desired_capacity or 0)
        self.reasons = f"{at(now)} {cause} changing the desired capacity from {before} to {desired}.  "
        self.set_desired_capacity(desired)

    def is_suspended(self, process: str) -> bool:
        """Tell whether one of the group's processes is suspended."""
        return any(entry["ProcessName"] == process for entry in self.suspended_processes)

    def update(self, **changes: Any) -> None:
        """Apply an UpdateAutoScalingGroup.

        moto forgets the mixed-instances policy whenever an update doesn't repeat it, and takes the number of
        instances for the desired capacity.
        """
        kept = None if changes["launch_template"] else self.mixed_instances_policy
        low = self.min_size if changes["min_size"] is None else changes["min_size"]
        high = self.max_size if changes["max_size"] is None else changes["max_size"]
        desired = changes["desired_capacity"]
        if desired is None:
            desired = min(max(self.desired_capacity or 0, low), high)
        check_bounds(desired, low, high)
        super().update(**(changes | {"desired_capacity": desired}))
        if not changes["mixed_instances_policy"]:
            self.mixed_instances_policy = kept

    def places(self) -> tuple[Place, ...]:
        """Where the group launches: its subnets, less deleted ones."""
        wanted = (self.vpc_zone_identifier or "").split(",")
        subnets = {subnet.id: subnet for subnet in self.ec2_backend.describe_subnets()}
        return tuple(
            Place(subnet=name, zone=subnets[name].availability_zone) for name in wanted if name in subnets
        )

    def types(self) -> tuple[str, ...]:
        """Acceptable instance types: the overrides', else the template's."""
        template = (self.mixed_instances_policy or {}).get("LaunchTemplate", {})
        overrides = [o["InstanceType"] for o in template.get("Overrides") or [] if o.get("InstanceType")]
        return tuple(overrides) or (self.pinned_version.instance_type,)

    def distribution(self) -> Distribution:
        """How much of the group is on demand. moto rounds shares between 1 and 99 % to nothing."""
        if not self.mixed_instances_policy:
            options = self.pinned_version.data.get("InstanceMarketOptions") or {}
            return Distribution(on_demand_percentage=0 if options.get("MarketType") == "spot" else 100)
        policy = self.mixed_instances_policy.get("InstancesDistribution") or {}
        percentage = policy.get("OnDemandPercentageAboveBaseCapacity")
        return Distribution(
            on_demand_base=int(policy.get("OnDemandBaseCapacity") or 0),
            on_demand_percentage=100 if percentage is None else int(percentage),
        )

    @property
    def everyone(self) -> list[Member]:
        """All instances, those of the warm pool included."""
        return [*self.instance_states, *self.warm_members]

    def member(self, instance_id: str) -> Member | None:
        """Return an instance of the group or of its warm pool, if it is one."""
        return next((m for m in self.everyone if m.instance_id == instance_id), None)

    @property
    def warm_pool_size(self) -> int | None:
        """Instances in the warm pool, as DescribeAutoScalingGroups tells it."""
        return len(self.warm_members) if self.warm_pool else None

    def begin(self, description: str, cause: str, now: float, **details: str) -> Activity:
        """Record the begin of an activity."""
        reasons = self.reasons if _DIFFERENCE in cause else ""
        activity = Activity(
            auto_scaling_group_name=self.name,
            description=description,
            cause=f"{reasons}{at(now)} {cause}.",
            start_time=moment(now),
            details=json.dumps({key.replace("_", " "): value for key, value in details.items()}),
        )
        self.activities = [activity, *self.activities[: _KEPT_ACTIVITIES - 1]]
        return activity


def group_of(response: Any) -> Group:
    """Find the group of a request. Raises moto's ValidationError."""
    name = response._get_param("AutoScalingGroupName")
    group = response.autoscaling_backend.autoscaling_groups.get(name)
    if group is None:
        raise ValidationError("AutoScalingGroup name not found - AutoScalingGroup not found")
    found: Group = group
    return found


def at(now: float) -> str:
    """How the cause of an activity tells a time (epoch seconds)."""
    return f"At {moment(now):%Y-%m-%dT%H:%M:%SZ}"


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def check_bounds(desired: int, low: int | None, high: int | None) -> None:
    """Raise moto's ValidationError when a desired capacity is out of bounds."""
    if not (low or 0) <= desired <= (high or 0):
        raise ValidationError(
            f"Desired capacity:{desired} must be between the specified min size:{low} and max size:{high}"
        )
