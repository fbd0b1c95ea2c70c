"""Acting on scaling policies: from an alarm, or a person's wish, to a group's desired capacity.

What a policy wants is decided in `scaling`; here is what that needs of a group, and whether the policy may
act now. The change is only recorded: `autoscaling.reconcile` fulfils it. Cooldowns and warm-ups count in
emulated time.
"""

from datetime import UTC
from typing import Any

from moto.autoscaling.models import autoscaling_backends

from infra.embedded import aws
from infra.embedded.aws import autoscaling_alarms, cloudwatch, scaling, scaling_alarms
from infra.embedded.aws.autoscaling_group import Group, Member, ScalingPolicy
from infra.embedded.aws.fleet import Lifecycle
from infra.embedded.aws.pace import PACE
from infra.embedded.aws.scaling import Aggregation, Capacity

SIMPLE, STEPS, TARGET = "SimpleScaling", "StepScaling", "TargetTrackingScaling"


def act(arn: str, transition: cloudwatch.Transition, now: float) -> None:
    """Carry out the policy that an alarm names; nothing happens when there is none."""
    with aws.lock:
        found = _find(arn)
        if found is None:
            return
        group, policy = found
        if not policy.enabled or group.is_suspended("AlarmNotification") or group.deleting:
            return
        desired = _wanted(group, policy, transition, now)
        if desired is not None and desired != group.desired_capacity:
            cause = f"a monitor alarm {transition.alarm_name} in state {transition.new}"
            change(group, policy, desired, f"{cause} triggered policy {policy.name}", now)


def _find(arn: str) -> tuple[Group, ScalingPolicy] | None:
    for regions in autoscaling_backends.values():
        for backend in regions.values():
            for policy in backend.policies.values():
                group = backend.autoscaling_groups.get(policy.auto_scaling_group_name)
                if policy.arn == arn and group is not None:
                    return group, policy
    return None


def change(group: Group, policy: ScalingPolicy, desired: int, cause: str, now: float) -> None:
    """Let a group wish for what a policy wants."""
    group.wish(desired, cause, now)
    if policy.policy_type == SIMPLE:
        group.scaled_at = now


def _wanted(group: Group, policy: ScalingPolicy, transition: cloudwatch.Transition, now: float) -> int | None:
    """Desired capacity that a policy asks for after an alarm; None: it does not act."""
    if policy.policy_type == SIMPLE:
        return None if cooling_down(group, policy, now) else simple(group, policy, now)
    values = [float(value) for value in transition.values if value is not None]
    if not values:
        return None
    if policy.policy_type == STEPS:
        value = Aggregation(policy.metric_aggregation_type or "Average").of(values)
        return step(group, policy, value - float(transition.threshold or 0.0), now)
    if transition.new != "ALARM":
        return None
    high, low = scaling_alarms.alarm_names(group.name, policy.token)
    if transition.alarm_name == high:
        target = float(policy.tracking["TargetValue"])
        return scaling.out_for_target(capacity(group, warmup(group, policy), now), values[-1], target)
    return _scale_in(group, policy, values[-1], now) if transition.alarm_name == low else None


def simple(group: Group, policy: ScalingPolicy, now: float) -> int:
    """Desired capacity that a simple policy wants."""
    amount = int(policy.scaling_adjustment or 0)
    return scaling.by_adjustment(capacity(group, 0, now), policy.kind, amount, policy.magnitude)


def step(group: Group, policy: ScalingPolicy, breach: float, now: float) -> int | None:
    """Desired capacity that a policy's steps want for a breach (metric less threshold), if any holds."""
    found = scaling.step_for(policy.steps, breach)
    if found is None:
        return None
    current = capacity(group, warmup(group, policy), now)
    return scaling.by_step(current, policy.kind, found.adjustment, policy.magnitude)


def _scale_in(group: Group, policy: ScalingPolicy, value: float, now: float) -> int:
    """Remember what the policy wants; act once every other that may scale in wants it too."""
    current = capacity(group, warmup(group, policy), now)
    wanted = scaling.for_target(current, value, float(policy.tracking["TargetValue"]))
    policy.wish_in = wanted
    others = [
        one
        for one in group.autoscaling_backend.policies.values()
        if one.auto_scaling_group_name == group.name
        and one.policy_type == TARGET
        and one.enabled
        and not scaling_alarms.scale_in_disabled(one.tracking)
    ]
    return scaling.in_for_target(current, [_agreed(group, one) for one in others])


def _agreed(group: Group, policy: ScalingPolicy) -> int | None:
    """What a policy wants to scale in to; its alarm repeats that every minute, while it lasts."""
    _, low = scaling_alarms.alarm_names(group.name, policy.token)
    alarming = autoscaling_alarms.is_alarming(group.account_id, group.region, low)
    return policy.wish_in if alarming else None


def warmup(group: Group, policy: ScalingPolicy) -> float:
    """Seconds (emulated) until a new instance counts: the policy's, else the group's, else its cooldown."""
    for seconds in (policy.estimated_instance_warmup, group.default_instance_warmup):
        if seconds is not None:
            return float(seconds)
    return float(group.default_cooldown)


def capacity(group: Group, warmup: float, now: float) -> Capacity:
    """Count a group's instances as a policy with this warm-up does."""
    staying = [member for member in group.instance_states if not member.lifecycle.leaving]
    ready = sum(_is_ready(member, warmup, now) for member in staying)
    return Capacity(
        desired=int(group.desired_capacity or 0),
        minimum=int(group.min_size or 0),
        maximum=int(group.max_size or 0),
        ready=ready,
        starting=len(staying) - ready,
        leaving=len(group.instance_states) - len(staying),
    )


def _is_ready(member: Member, warmup: float, now: float) -> bool:
    since = member.warming_since
    if member.lifecycle is not Lifecycle.IN_SERVICE or since is None:
        return False
    return PACE.emulated(now) - PACE.emulated(since) >= warmup


def cooling_down(group: Group, policy: ScalingPolicy, now: float) -> bool:
    """Tell whether a simple policy must wait: for instances on their way, then for its cooldown."""
    if any(member.lifecycle is not Lifecycle.IN_SERVICE for member in group.instance_states):
        return True
    if group.scaled_at is None:
        return False
    ends = [_epoch(one.end_time) for one in group.activities if one.end_time]
    last = max([group.scaled_at, *(end for end in ends if end >= group.scaled_at)])
    cooldown = group.default_cooldown if policy.cooldown is None else policy.cooldown
    return PACE.emulated(now) - PACE.emulated(last) < float(cooldown)


def _epoch(moment: Any) -> float:
    return float(moment.replace(tzinfo=UTC).timestamp())
