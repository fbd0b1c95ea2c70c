"""Autoscaling: makes the instances of every group fit the wish that moto recorded.

`reconcile` observes a group, asks `fleet.decide` what is due, and carries it out on moto's EC2 and ELB. It is
to be called often (twice a second will do) and keeps nothing between calls but what moto holds. It never
waits and starts no processes: EC2 states are set by whoever runs those.
"""

import logging
from collections.abc import Callable, Sequence

from moto.autoscaling.models import autoscaling_backends
from moto.core.exceptions import ServiceException
from moto.elbv2.models import elbv2_backends

from infra.embedded import aws
from infra.embedded.aws import autoscaling_api, ec2, elbv2, fleet, notifications, warm_pool
from infra.embedded.aws.autoscaling_group import Activity, Group, Member
from infra.embedded.aws.autoscaling_launch import launch, warm
from infra.embedded.aws.fleet import Lifecycle
from infra.embedded.aws.health import STORE, TargetState

Capacity = Callable[[str, str, str], bool]
"""(zone, instance type, market: spot or on-demand) -> whether an instance can be had now."""

RETRY_SECONDS = 10.0
"""How long a group waits after a failed launch."""

_PROGRESS = {
    Lifecycle.PENDING: "PreInService",
    Lifecycle.PENDING_WAIT: "MidLifecycleAction",
    Lifecycle.PENDING_PROCEED: "PreInService",
    Lifecycle.TERMINATING: "WaitingForELBConnectionDraining",
    Lifecycle.TERMINATING_WAIT: "MidTerminatingLifecycleAction",
    Lifecycle.TERMINATING_PROCEED: "InProgress",
}

_log = logging.getLogger("autoscaling")
_market: list[Capacity] = []


def install() -> None:
    """Put the fixes into moto."""
    autoscaling_api.install(retire)


def set_capacity(capacity: Capacity | None) -> None:
    """Let `capacity` decide which launches succeed; None: all do."""
    with aws.lock:
        _market[:] = [capacity] if capacity else []


def reconcile(now: float) -> None:
    """Do all that is due at `now` (epoch seconds) in all groups of all accounts and regions."""
    with aws.lock:
        for regions in autoscaling_backends.values():
            for backend in regions.values():
                for group in list(backend.autoscaling_groups.values()):
                    _reconcile_group(group, now)
                    if group.deleting and not group.everyone:
                        autoscaling_api.drop_group(backend, group.name)
        elbv2.expire_draining(now)  # last: what was deregistered above drains from now


def _reconcile_group(group: Group, now: float) -> None:
    _follow_target_groups(group)
    _prolong_waits(group, now)
    for step in fleet.decide(_observe(group, now), now):
        _carry_out(group, step, now)
    for warming in warm_pool.decide(_observe_pool(group), now):
        _prepare(group, warming, now)
    _warm_up(group, now)
    if sum(not member.lifecycle.leaving for member in group.instance_states) == group.desired_capacity:
        group.reasons = ""


def _observe(group: Group, now: float) -> fleet.Group:
    hooks = group.autoscaling_backend.describe_lifecycle_hooks(group.name)
    return fleet.Group(
        desired=0 if group.deleting else int(group.desired_capacity or 0),
        places=group.places(),
        types=group.types(),
        distribution=group.distribution(),
        hooks=tuple(hook.rule for hook in hooks),
        elb_health=group.health_check_type == "ELB",
        grace=int(group.health_check_grace_period or 0),
        suspended=frozenset(process["ProcessName"] for process in group.suspended_processes),
        rebalance=group.capacity_rebalance,
        may_launch=now >= group.retry_at,
        deleting=group.deleting,
        members=tuple(_observe_member(group, member) for member in group.instance_states),
    )


def _observe_pool(group: Group) -> warm_pool.Pool:
    pool = group.warm_pool
    size = 0
    if pool and not group.deleting:
        most = pool.max_group_prepared_capacity
        desired, maximum = int(group.desired_capacity or 0), int(group.max_size or 0)
        size = warm_pool.size(int(pool.min_size), None if most is None else int(most), desired, maximum)
    hooks = group.autoscaling_backend.describe_lifecycle_hooks(group.name)
    return warm_pool.Pool(
        size=size,
        hooks=tuple(hook.rule for hook in hooks),
        members=tuple(_observe_member(group, member) for member in group.warm_members),
    )


def _observe_member(group: Group, member: Member) -> fleet.Member:
    instance = member.instance
    return fleet.Member(
        id=instance.id,
        zone=instance.placement.zone,
        instance_type=instance.instance_type,
        market="spot" if instance.lifecycle == "spot" else "on-demand",
        lifecycle=member.lifecycle,
        ec2_state=instance.state,
        launched=ec2.launch_time(instance),
        template_version=member.version.number,
        in_service_since=member.in_service_since,
        marked_unhealthy=member.health_status == "Unhealthy",
        balancer_unhealthy=any(
            target_group.target_health(instance.id).state is TargetState.UNHEALTHY
            for target_group in _target_groups(group)
            if instance.id in target_group.targets
        ),
        threatened=instance.id in ec2.THREATENED,
        protected=bool(member.protected_from_scale_in),
        draining=STORE.is_draining(instance.id, group.target_group_arns),
        waits=member.waits,
    )


def _target_groups(group: Group) -> list[elbv2.TargetGroup]:
    known = elbv2_backends[group.account_id][group.region].target_groups
    return [known[arn] for arn in group.target_group_arns if arn in known]


def _follow_target_groups(group: Group) -> None:
    """Register instances in service at target groups that the group was attached to meanwhile."""
    for member in group.instance_states:
        if member.lifecycle is Lifecycle.IN_SERVICE:
            _register(group, member)


def _warm_up(group: Group, now: float) -> None:
    """Let the warm-up begin of those in service whose first health checks are over.

    Those checks take real time, a warm-up takes emulated time: it could be over before the first request.
    """
    for member in group.instance_states:
        if member.lifecycle is not Lifecycle.IN_SERVICE or member.warming_since is not None:
            continue
        states = [one.target_health(member.instance_id).state for one in _target_groups(group)]
        if TargetState.INITIAL not in states:
            member.warming_since = now


def _prolong_waits(group: Group, now: float) -> None:
    timeouts = {
        hook.name: int(hook.heartbeat_timeout)
        for hook in group.autoscaling_backend.describe_lifecycle_hooks(group.name)
    }
    for member in group.everyone:
        member.waits = tuple(
            wait.prolonged(now, timeouts[wait.hook])
            if wait.hook in member.heartbeats and wait.hook in timeouts
            else wait
            for wait in member.waits
        )
        member.heartbeats.clear()


def _carry_out(group: Group, step: fleet.Step, now: float) -> None:
    if isinstance(step, fleet.Launch):
        _launch(group, step, now)
        return
    member = group.member(step.member)
    if member is None:
        return
    if isinstance(step, fleet.Retire):
        retire(group, member, step.cause, now, failed=step.failed)
    elif isinstance(step, fleet.Move):
        _move(group, member, step, now)
    else:
        _end(group, member, now)


def _prepare(group: Group, step: warm_pool.Step, now: float) -> None:
    """Carry out a step of the warm pool."""
    if isinstance(step, warm_pool.Warm):
        _warm(group, now)
        return
    member = group.member(step.member)
    assert member is not None, "it was observed in this round"
    if isinstance(step, fleet.Move):
        member.lifecycle_state = step.to.value
        member.await_hooks(step.waits)
    elif isinstance(step, warm_pool.Stop):
        member.lifecycle_state = Lifecycle.WARMED_STOPPED.value
        member.await_hooks(())
        ec2.stop(member.instance)
    else:
        if member.instance.state != "terminated":
            ec2.terminate(member.instance, "Client.UserInitiatedShutdown: User initiated shutdown")
        group.warm_members.remove(member)


def _warm(group: Group, now: float) -> None:
    """Launch into the warm pool; there are no activities of it, and a failure is tried again."""
    if now < group.retry_at:
        return
    candidates = fleet.candidates(group.places(), group.types(), "on-demand")
    granted = _granted(candidates)
    try:
        if granted:
            warm(group, granted)
            return
    except ServiceException as error:
        _log.warning("the warm pool of %s: %s", group.name, error.message)
    group.retry_at = now + RETRY_SECONDS


def _granted(candidates: Sequence[fleet.Candidate]) -> fleet.Candidate | None:
    """The first that the market has."""
    capacity = _market[0] if _market else None
    return next(
        (c for c in candidates if capacity is None or capacity(c.place.zone, c.instance_type, c.market)), None
    )


def _wake(group: Group, step: fleet.Launch, now: float) -> bool:
    """Start an instance of the warm pool instead of launching one; whether there was any."""
    warmed = [_observe_member(group, member) for member in group.warm_members]
    chosen = warm_pool.ready(warmed, step.candidates[0].market)
    member = group.member(chosen.id) if chosen else None
    if member is None:
        return False
    activity = group.begin(
        f"Launching a new EC2 instance from warm pool: {member.instance_id}",
        step.cause,
        now,
        Subnet_ID=str(member.instance.subnet_id),
        Availability_Zone=str(member.instance.placement.zone),
    )
    activity.status_code = _PROGRESS[Lifecycle.PENDING]
    member.launch_activity = activity
    member.lifecycle_state = Lifecycle.PENDING.value
    group.warm_members.remove(member)
    group.instance_states.append(member)
    ec2.start(member.instance)
    return True


def _launch(group: Group, step: fleet.Launch, now: float) -> None:
    if now < group.retry_at or _wake(group, step, now):
        return
    granted = _granted(step.candidates)
    wanted = granted or step.candidates[0]
    activity = group.begin(
        "Launching a new EC2 instance",
        step.cause,
        now,
        Subnet_ID=wanted.place.subnet,
        Availability_Zone=wanted.place.zone,
    )
    if granted is None:
        kind = "Spot" if wanted.market == "spot" else "On-Demand"
        reason = "InsufficientInstanceCapacity - There is no capacity available that matches your request."
        _launch_failed(group, activity, f"Could not launch {kind} Instances. {reason}", now)
        return
    try:
        member = launch(group, granted)
    except ServiceException as error:
        _launch_failed(group, activity, f"{error.code} - {error.message}", now)
        return
    activity.description += f": {member.instance_id}"
    activity.status_code = _PROGRESS[Lifecycle.PENDING]
    member.launch_activity = activity


def _launch_failed(group: Group, activity: Activity, message: str, now: float) -> None:
    activity.end(now, "Failed", f"{message} Launching EC2 instance failed.")
    notifications.activity(group, activity)
    group.retry_at = now + RETRY_SECONDS


def _move(group: Group, member: Member, step: fleet.Move, now: float) -> None:
    member.lifecycle_state = step.to.value
    member.await_hooks(step.waits)
    if step.to is Lifecycle.IN_SERVICE:
        member.in_service_since = now
        _register(group, member)
        if member.launch_activity:
            member.launch_activity.end(now)
            notifications.activity(group, member.launch_activity)
        return
    activity = member.end_activity if step.to.leaving else member.launch_activity
    if activity:
        activity.status_code = _PROGRESS[step.to]


def _register(group: Group, member: Member) -> None:
    suspended = "AddToLoadBalancer" in {process["ProcessName"] for process in group.suspended_processes}
    if suspended or member.instance.state != "running":
        return
    for target_group in _target_groups(group):
        if target_group.arn not in member.registered:
            target_group.register([{"Id": member.instance_id, "Port": target_group.port}])
            member.registered.add(target_group.arn)


def retire(group: Group, member: Member, cause: str, now: float, *, failed: bool = False) -> Activity:
    """Begin to terminate an instance: it leaves its target groups, then its hooks run."""
    member.lifecycle_state = Lifecycle.TERMINATING.value
    member.await_hooks(())
    if member.launch_activity:
        status = "Failed" if failed else "Cancelled"
        member.launch_activity.end(now, status, cause)
        if failed:
            notifications.activity(group, member.launch_activity)
    for target_group in _target_groups(group):
        if member.instance_id in target_group.targets:
            if member.instance.state == "running":
                target_group.deregister([{"Id": member.instance_id}])
            else:
                target_group.deregister_terminated_instances([member.instance_id])
    member.end_activity = group.begin(
        f"Terminating EC2 instance: {member.instance_id}",
        _end_cause(member, cause),
        now,
        Subnet_ID=str(member.instance.subnet_id),
        Availability_Zone=str(member.instance.placement.zone),
    )
    member.end_activity.status_code = _PROGRESS[Lifecycle.TERMINATING]
    return member.end_activity


def _end_cause(member: Member, cause: str) -> str:
    if cause.startswith("in response to a difference"):
        return f"an instance was taken out of service {cause}; {member.instance_id} was selected"
    if cause.startswith("in response to"):
        return f"an instance was taken out of service {cause}"
    return f"instance {member.instance_id} was taken out of service: {cause}"


def _end(group: Group, member: Member, now: float) -> None:
    if member.instance.state != "terminated":
        ec2.terminate(member.instance, "Client.UserInitiatedShutdown: User initiated shutdown")
    group.instance_states = [other for other in group.instance_states if other is not member]
    if member.end_activity:
        member.end_activity.end(now)
        notifications.activity(group, member.end_activity)
