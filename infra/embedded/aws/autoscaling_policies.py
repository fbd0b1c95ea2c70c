"""Scaling policies of the autoscaling API, with the alarms that are theirs.

They are recorded here and carried out in `autoscaling_act`. Predictive scaling is refused.
"""

import time
from collections.abc import Callable
from typing import Any

from moto.autoscaling import models
from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import AutoScalingBackend
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult

from infra.embedded.aws import (
    NotEmulatedError,
    autoscaling_act,
    autoscaling_alarms,
    cloudwatch,
    scaling_alarms,
)
from infra.embedded.aws.autoscaling_act import SIMPLE, STEPS, TARGET
from infra.embedded.aws.autoscaling_group import Group, ScalingPolicy, group_of
from infra.embedded.aws.patching import override, replace
from infra.embedded.aws.scaling import Adjustment

_ACTIONS = "arn:aws:autoscaling:"


def install() -> None:
    """Put the fixes into moto, and listen to alarms."""
    override(models, "FakeScalingPolicy", ScalingPolicy)
    replace(AutoScalingBackend, "put_scaling_policy", _keyed_by_group)
    replace(AutoScalingResponse, "put_scaling_policy", _with_alarms)
    override(AutoScalingResponse, "delete_policy", _delete_policy)
    override(AutoScalingResponse, "execute_policy", _execute_policy)
    cloudwatch.on_action(_ACTIONS, autoscaling_act.act)


def remove_of(backend: AutoScalingBackend, group: str) -> None:
    """Remove a group's policies with their alarms."""
    for key, policy in list(backend.policies.items()):
        if policy.auto_scaling_group_name == group:
            del backend.policies[key]
            _drop_alarms(backend, policy.alarm_names)


def _keyed_by_group(original: Callable[..., Any]) -> Callable[..., Any]:
    """Moto keys policies by name alone: the second group's policy replaces the first's."""

    def put_scaling_policy(self: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        others = dict(self.policies)
        policy = original(self, name, *args, **kwargs)
        self.policies = others | {f"{policy.auto_scaling_group_name}/{name}": policy}
        return policy

    return put_scaling_policy


def _with_alarms(original: Callable[[Any], ActionResult]) -> Callable[[Any], ActionResult]:
    """Moto forgets whether the policy is enabled, and makes no alarms."""

    def put_scaling_policy(self: Any) -> ActionResult:
        group, name = group_of(self), self._get_param("PolicyName")
        _check(self)
        key = f"{group.name}/{name}"
        before = self.autoscaling_backend.policies.get(key)
        original(self)
        policy = self.autoscaling_backend.policies[key]
        enabled = self._get_bool_param("Enabled")
        policy.enabled = True if enabled is None else enabled
        if before is not None:
            policy.token = before.token
        _replace_alarms(self.autoscaling_backend, policy, before.alarm_names if before else [])
        return ActionResult({"PolicyARN": policy.arn, "Alarms": policy.alarms})

    return put_scaling_policy


def _check(response: Any) -> None:
    """Refuse what AWS refuses, before anything is recorded."""
    kind = response._get_param("PolicyType") or SIMPLE
    if kind == "PredictiveScaling":
        raise NotEmulatedError("predictive scaling policies")
    if kind not in (SIMPLE, STEPS, TARGET):
        raise ValidationError(f"Unknown policy type {kind}")
    if kind == TARGET:
        try:
            scaling_alarms.alarms("", "", "", response._get_param("TargetTrackingConfiguration") or {})
        except (scaling_alarms.BadSpecificationError, KeyError) as error:
            raise ValidationError(f"Invalid target tracking configuration: {error}") from error
        return
    if response._get_param("AdjustmentType") not in set(Adjustment):
        raise ValidationError("You must specify an AdjustmentType for this policy type")
    if kind == SIMPLE and response._get_int_param("ScalingAdjustment") is None:
        raise ValidationError("You must specify ScalingAdjustment for policy type: SimpleScaling")
    if kind == STEPS and not response._get_param("StepAdjustments"):
        raise ValidationError("You must specify at least one StepAdjustment for policy type: StepScaling")


def _replace_alarms(backend: AutoScalingBackend, policy: ScalingPolicy, before: list[str]) -> None:
    wanted = []
    if policy.policy_type == TARGET:
        wanted = scaling_alarms.alarms(
            policy.auto_scaling_group_name, policy.arn, policy.token, policy.tracking
        )
    region, account = backend.region_name, backend.account_id
    for alarm in wanted:
        autoscaling_alarms.put_alarm(account, region, alarm)
    prefix = f"arn:aws:cloudwatch:{region}:{account}:alarm:"
    policy.alarms = [
        {"AlarmName": alarm["AlarmName"], "AlarmARN": prefix + alarm["AlarmName"]} for alarm in wanted
    ]
    _drop_alarms(backend, [name for name in before if name not in policy.alarm_names])


def _drop_alarms(backend: AutoScalingBackend, names: list[str]) -> None:
    if names:
        autoscaling_alarms.delete_alarms(backend.account_id, backend.region_name, names)


def _delete_policy(self: Any) -> ActionResult:
    key, policy = _named(self)
    del self.autoscaling_backend.policies[key]
    _drop_alarms(self.autoscaling_backend, policy.alarm_names)
    return EmptyResult()


def _named(response: Any) -> tuple[str, ScalingPolicy]:
    """Find the policy of a request, by name or ARN."""
    wanted, group = response._get_param("PolicyName"), response._get_param("AutoScalingGroupName")
    for key, policy in response.autoscaling_backend.policies.items():
        if wanted in (policy.name, policy.arn) and group in (None, policy.auto_scaling_group_name):
            return key, policy
    raise ValidationError("PolicyName not found")


def _execute_policy(self: Any) -> ActionResult:
    """Moto changes the capacity past bounds and cooldowns, and knows no steps."""
    _, policy = _named(self)
    group, now = self.autoscaling_backend.autoscaling_groups[policy.auto_scaling_group_name], time.time()
    if policy.policy_type == TARGET:
        raise ValidationError("Cannot execute a policy of type TargetTrackingScaling")
    if policy.policy_type == STEPS:
        desired = _step(self, group, policy, now)
    elif self._get_bool_param("HonorCooldown", False) and autoscaling_act.cooling_down(group, policy, now):
        raise AutoscalingClientError("ScalingActivityInProgress", "Scaling activity is in progress")
    else:
        desired = autoscaling_act.simple(group, policy, now)
    if desired != group.desired_capacity:
        cause = f"a user request executed policy {policy.name}"
        autoscaling_act.change(group, policy, desired, cause, now)
    return EmptyResult()


def _step(response: Any, group: Group, policy: ScalingPolicy, now: float) -> int:
    value, threshold = response._get_param("MetricValue"), response._get_param("BreachThreshold")
    if value is None or threshold is None:
        raise ValidationError("MetricValue and BreachThreshold are required for policy type StepScaling")
    desired = autoscaling_act.step(group, policy, float(value) - float(threshold), now)
    if desired is None:
        raise ValidationError(
            f"No step adjustment found for metric value {value} and breach threshold {threshold}"
        )
    return desired
