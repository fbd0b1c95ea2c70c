"""Lifecycle hooks: they hold instances at both ends of their life, and what becomes of them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.embedded.aws import ec2, views

IN_SERVICE = ["InService", "InService"]


def test_lifecycle_hooks_hold_an_instance_at_both_ends(cloud: Any) -> None:
    """Launch and termination each wait until the action is completed, by instance id."""
    cloud.group(cloud.network()[1], DesiredCapacity=1)
    cloud.hook("up", "LAUNCHING", HeartbeatTimeout=60, DefaultResult="ABANDON")
    cloud.hook("down", "TERMINATING", HeartbeatTimeout=60, DefaultResult="CONTINUE")
    cloud.settle()
    ((instance, state),) = cloud.states().items()
    assert state == "Pending:Wait"
    complete(cloud, "up", instance)
    cloud.reconcile(times=2)
    assert cloud.states() == {instance: "InService"}
    cloud.client("autoscaling").set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=0)
    cloud.reconcile()
    assert views.instances()[0].target_lifecycle_state == "Terminated"
    cloud.reconcile()
    assert cloud.states() == {instance: "Terminating:Wait"}
    complete(cloud, "down", instance)
    cloud.reconcile(times=2)
    assert cloud.states() == {}
    assert views.instances()[0].state == "terminated"


def complete(cloud: Any, hook: str, instance: str, result: str = "CONTINUE") -> None:
    """Complete a lifecycle action."""
    cloud.client("autoscaling").complete_lifecycle_action(
        AutoScalingGroupName="group",
        LifecycleHookName=hook,
        InstanceId=instance,
        LifecycleActionResult=result,
    )


def test_initial_hooks_hold_the_first_instances(cloud: Any) -> None:
    """Hooks given at creation are there before the first instance."""
    hook = {
        "LifecycleHookName": "up",
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
        "HeartbeatTimeout": 60,
    }
    cloud.group(cloud.network()[1], LifecycleHookSpecificationList=[hook])
    cloud.settle()
    assert set(cloud.states().values()) == {"Pending:Wait"}


def test_hook_reads_back_as_written(cloud: Any) -> None:
    """No role or queue appears that nobody asked for, and a partial update keeps the rest."""
    cloud.group(cloud.network()[1])
    cloud.hook("up", "LAUNCHING", HeartbeatTimeout=60, DefaultResult="CONTINUE")
    cloud.hook("up", "LAUNCHING", NotificationMetadata="note")
    (hook,) = cloud.client("autoscaling").describe_lifecycle_hooks(AutoScalingGroupName="group")[
        "LifecycleHooks"
    ]
    assert "RoleARN" not in hook
    assert "NotificationTargetARN" not in hook
    assert (hook["HeartbeatTimeout"], hook["DefaultResult"]) == (60, "CONTINUE")
    assert hook["NotificationMetadata"] == "note"


def test_abandoned_launch_is_terminated_and_replaced(cloud: Any) -> None:
    """ABANDON ends the instance, starts another and leaves a failed activity."""
    cloud.group(cloud.network()[1], DesiredCapacity=1)
    cloud.hook("up", "LAUNCHING", HeartbeatTimeout=60)
    cloud.settle()
    (first,) = cloud.states()
    complete(cloud, "up", first, "ABANDON")
    cloud.settle()
    assert list(cloud.states().values()) == ["Pending:Wait"]
    assert first not in cloud.states()
    assert ec2.find(first).state == "terminated"
    failed = [a for a in cloud.activities() if a["StatusCode"] == "Failed"]
    assert [a["Description"] for a in failed] == [f"Launching a new EC2 instance: {first}"]


def test_heartbeat_keeps_a_launch_waiting(cloud: Any) -> None:
    """A heartbeat starts the timeout anew; without another one the default result counts."""
    cloud.group(cloud.network()[1], DesiredCapacity=1)
    cloud.hook("up", "LAUNCHING", HeartbeatTimeout=60, DefaultResult="CONTINUE")
    cloud.settle()
    (instance,) = cloud.states()
    cloud.reconcile(after=50)
    cloud.client("autoscaling").record_lifecycle_action_heartbeat(
        AutoScalingGroupName="group", LifecycleHookName="up", InstanceId=instance
    )
    cloud.reconcile()
    cloud.reconcile(after=59)
    assert cloud.states() == {instance: "Pending:Wait"}
    cloud.reconcile(after=1)
    assert cloud.states() == {instance: "Pending:Proceed"}


def test_completing_what_does_not_wait_is_an_error(cloud: Any) -> None:
    """An action can only be completed while it is open."""
    cloud.group(cloud.network()[1], DesiredCapacity=1)
    cloud.settle()
    with pytest.raises(ClientError, match="No active Lifecycle Action found with instance ID"):
        complete(cloud, "up", next(iter(cloud.states())))
