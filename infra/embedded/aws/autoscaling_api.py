"""The autoscaling API's actions, where moto lacks them, loses their parameters or acts by itself.

Each handler takes moto's request object and only records or reads; motion is `autoscaling.reconcile`'s.
Attaching and detaching instances, standby and instance refresh are refused.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from moto.autoscaling import models
from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import AutoScalingBackend
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult

from infra.embedded.aws import (
    NotEmulatedError,
    autoscaling_metrics,
    autoscaling_policies,
    autoscaling_schedules,
)
from infra.embedded.aws.autoscaling_group import (
    Activity,
    Group,
    LifecycleHook,
    Member,
    check_bounds,
    group_of,
)
from infra.embedded.aws.patching import add, override, replace

_REFUSED = (
    "attach_instances",
    "detach_instances",
    "enter_standby",
    "exit_standby",
    "create_launch_configuration",
)
_UNSET_WARMUP = -1


class Retire(Protocol):
    """How an instance begins to terminate (`autoscaling.retire`)."""

    def __call__(self, group: Group, member: Member, cause: str, now: float) -> Activity:
        """Retire an instance and return the activity."""


def install(retire: Retire) -> None:
    """Put the fixes into moto."""
    override(models, "FakeAutoScalingGroup", Group)
    override(models, "LifecycleHook", LifecycleHook)
    _install_backend()
    for part in (autoscaling_policies, autoscaling_schedules, autoscaling_metrics):
        part.install()
    for name in _REFUSED:
        override(AutoScalingResponse, name, _refused(name))
    replace(AutoScalingResponse, "create_auto_scaling_group", _create_with_all_parameters)
    replace(AutoScalingResponse, "update_auto_scaling_group", _update_with_all_parameters)
    override(AutoScalingResponse, "delete_auto_scaling_group", _delete_auto_scaling_group)
    override(AutoScalingResponse, "set_desired_capacity", _set_desired_capacity)
    override(AutoScalingResponse, "put_lifecycle_hook", _put_lifecycle_hook)
    replace(AutoScalingResponse, "put_warm_pool", _put_checked_warm_pool)
    override(AutoScalingResponse, "describe_warm_pool", _describe_warm_pool)
    override(AutoScalingResponse, "describe_scaling_activities", _describe_scaling_activities)
    override(
        AutoScalingResponse, "terminate_instance_in_auto_scaling_group", _terminate_instance_with(retire)
    )
    add(AutoScalingResponse, "complete_lifecycle_action", _complete_lifecycle_action)
    add(AutoScalingResponse, "record_lifecycle_action_heartbeat", _record_lifecycle_action_heartbeat)


def _install_backend() -> None:
    """Keep moto from moving instances and targets by itself."""
    override(AutoScalingBackend, "notify_terminate_instances", lambda *_: None)
    override(AutoScalingBackend, "update_attached_target_groups", lambda *_: None)
    override(AutoScalingBackend, "describe_auto_scaling_instances", _instances)


def _instances(self: AutoScalingBackend, instance_ids: list[str]) -> list[Member]:
    """Those of all groups; moto leaves out warm pools."""
    groups: Iterable[Group] = self.autoscaling_groups.values()
    members = [member for group in groups for member in group.everyone]
    return [member for member in members if not instance_ids or member.instance_id in instance_ids]


def drop_group(backend: AutoScalingBackend, name: str) -> None:
    """Remove a group without instances, with its hooks, policies and schedules; moto leaves those behind."""
    backend.autoscaling_groups.pop(name, None)
    hooks = backend.lifecycle_hooks
    for key in [key for key, entry in hooks.items() if entry.auto_scaling_group_name == name]:
        del hooks[key]
    autoscaling_policies.remove_of(backend, name)
    autoscaling_schedules.remove_of(backend, name)


def _refused(name: str) -> Callable[[Any], None]:
    def handler(_: Any) -> None:
        raise NotEmulatedError(f"autoscaling:{name}")

    return handler


def _create_with_all_parameters(original: Callable[[Any], ActionResult]) -> Callable[[Any], ActionResult]:
    """Moto has a grace period of 300 by default, and even for 0, and ignores initial hooks."""

    def create_auto_scaling_group(self: Any) -> ActionResult:
        low, high = self._get_int_param("MinSize"), self._get_int_param("MaxSize")
        check_bounds(self._get_int_param("DesiredCapacity", low), low, high)
        if self._get_param("AutoScalingGroupName") in self.autoscaling_backend.autoscaling_groups:
            # moto replaces the group, and with it the record of its instances
            raise AutoscalingClientError("AlreadyExists", "AutoScalingGroup by this name already exists")
        result = original(self)
        group = group_of(self)
        group.health_check_grace_period = self._get_int_param("HealthCheckGracePeriod", 0)
        _keep_parameters(self, group)
        for hook in self._get_param("LifecycleHookSpecificationList", []):
            _put_hook(self.autoscaling_backend, group.name, hook)
        return result

    return create_auto_scaling_group


def _update_with_all_parameters(original: Callable[[Any], ActionResult]) -> Callable[[Any], ActionResult]:
    def update_auto_scaling_group(self: Any) -> ActionResult:
        result = original(self)
        _keep_parameters(self, group_of(self))
        return result

    return update_auto_scaling_group


def _keep_parameters(response: Any, group: Group) -> None:
    """Record what moto drops."""
    warmup = response._get_int_param("DefaultInstanceWarmup")
    if warmup is not None:
        group.default_instance_warmup = None if warmup == _UNSET_WARMUP else warmup
    cooldown = response._get_int_param("DefaultCooldown")
    if cooldown is not None:
        group.default_cooldown = cooldown
    rebalance = response._get_bool_param("CapacityRebalance")
    if rebalance is not None:
        group.capacity_rebalance = rebalance
    policies = response._get_param("TerminationPolicies", [])
    if policies:
        group.termination_policies = policies


def _delete_auto_scaling_group(self: Any) -> ActionResult:
    """Moto deletes a group that still has instances, and forgets them."""
    group = group_of(self)
    if not group.everyone:
        drop_group(self.autoscaling_backend, group.name)
    elif self._get_bool_param("ForceDelete", False):
        group.status = "Delete in progress"
    else:
        raise AutoscalingClientError(
            "ResourceInUse",
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance "
            "request(s) still in the group.",
        )
    return EmptyResult()


def _set_desired_capacity(self: Any) -> ActionResult:
    """Moto accepts a desired capacity that is out of bounds."""
    group = group_of(self)
    desired = self._get_int_param("DesiredCapacity")
    check_bounds(desired, group.min_size, group.max_size)
    if desired != group.desired_capacity:
        group.wish(desired, "a user request explicitly set group desired capacity", time.time())
    return EmptyResult()


def _put_lifecycle_hook(self: Any) -> ActionResult:
    _put_hook(self.autoscaling_backend, group_of(self).name, self._get_params())
    return EmptyResult()


def _put_hook(backend: Any, group: str, spec: dict[str, Any]) -> None:
    """Create or change a hook; what an update leaves out stays. moto resets it."""
    name = spec["LifecycleHookName"]
    known = next(iter(backend.describe_lifecycle_hooks(group, [name])), None)
    timeout = spec.get("HeartbeatTimeout") or (known.heartbeat_timeout if known else None)
    hook = backend.create_lifecycle_hook(
        name=name,
        as_name=group,
        transition=spec.get("LifecycleTransition") or (known.lifecycle_transition if known else None),
        timeout=int(timeout) if timeout else None,
        result=spec.get("DefaultResult") or (known.default_result if known else None),
    )
    hook.role_arn = spec.get("RoleARN") or (known.role_arn if known else None)
    hook.notification_target_arn = spec.get("NotificationTargetARN") or (
        known.notification_target_arn if known else None
    )
    hook.notification_metadata = spec.get("NotificationMetadata") or (
        known.notification_metadata if known else None
    )


def _put_checked_warm_pool(original: Callable[[Any], ActionResult]) -> Callable[[Any], ActionResult]:
    def put_warm_pool(self: Any) -> ActionResult:
        group = group_of(self)
        if self._get_param("PoolState", "Stopped") != "Stopped":
            raise NotEmulatedError("warm pools of instances that run or hibernate")
        if group.distribution().on_demand_of(1) == 0:
            raise ValidationError(
                "You cannot add a warm pool to Auto Scaling groups that request Spot Instances."
            )
        return original(self)

    return put_warm_pool


def _describe_warm_pool(self: Any) -> ActionResult:
    """Moto knows no instances of a pool."""
    group = group_of(self)
    return ActionResult({"WarmPoolConfiguration": group.warm_pool, "Instances": group.warm_members})


def _describe_scaling_activities(self: Any) -> ActionResult:
    """Moto has no activities."""
    name, ids = self._get_param("AutoScalingGroupName"), self._get_param("ActivityIds", [])
    groups = self.autoscaling_backend.autoscaling_groups.values()
    found = [
        activity
        for group in groups
        if name in (None, group.name)
        for activity in group.activities
        if not ids or activity.activity_id in ids
    ]
    return ActionResult({"Activities": found[: self._get_int_param("MaxRecords") or 100]})


def _terminate_instance_with(retire: Retire) -> Callable[[Any], ActionResult]:
    """Moto terminates at once, past hooks and draining."""

    def terminate_instance_in_auto_scaling_group(self: Any) -> ActionResult:
        instance_id = self._get_param("InstanceId")
        group, member = _member(self.autoscaling_backend, instance_id)
        if member.lifecycle.leaving and member.end_activity:
            return ActionResult({"Activity": member.end_activity})
        if self._get_bool_param("ShouldDecrementDesiredCapacity", False):
            _decrement(group)
        activity = retire(group, member, "in response to a user request", time.time())
        return ActionResult({"Activity": activity})

    return terminate_instance_in_auto_scaling_group


def _decrement(group: Group) -> None:
    desired = int(group.desired_capacity or 0)
    if desired <= int(group.min_size or 0):
        raise ValidationError(
            f"Currently, desiredSize equals minSize ({group.min_size}). Terminating instance without "
            "replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity "
            "flag to false or lower group's min size."
        )
    group.set_desired_capacity(desired - 1)


def _member(backend: AutoScalingBackend, instance_id: str) -> tuple[Group, Member]:
    for group in backend.autoscaling_groups.values():
        member = group.member(instance_id)
        if member:
            return group, member
    raise ValidationError(f"Instance Id not found - No managed instance found for instance ID: {instance_id}")


def _complete_lifecycle_action(self: Any) -> ActionResult:
    """Moto has no such action."""
    member, hook = _open_action(self)
    member.complete(hook, self._get_param("LifecycleActionResult"))
    return EmptyResult()


def _record_lifecycle_action_heartbeat(self: Any) -> ActionResult:
    """Moto has no such action."""
    member, hook = _open_action(self)
    member.heartbeats.add(hook)
    return EmptyResult()


def _open_action(response: Any) -> tuple[Member, str]:
    """Find the instance that waits for a hook, by token or by instance id."""
    group = group_of(response)
    hook, token = response._get_param("LifecycleHookName"), response._get_param("LifecycleActionToken")
    instance_id = response._get_param("InstanceId")
    for member in group.everyone:
        waiting = any(wait.hook == hook and wait.result is None for wait in member.waits)
        named = member.tokens.get(hook) == token if token else member.instance_id == instance_id
        if waiting and named:
            return member, hook
    by = f"token {token}" if token else f"instance ID {instance_id}"
    raise ValidationError(f"No active Lifecycle Action found with {by}")
