"""Warm pools through the API: prepared, stopped, started instead of a launch, filled again, deleted."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.embedded.aws import ec2, views


def settle(cloud: Any) -> None:
    """Reconcile; who boots runs, who stops has stopped."""
    for _ in range(6):
        cloud.reconcile()
        for each in views.instances():
            ec2.mark_running(each.id)
            ec2.mark_stopped(each.id)


def pool(cloud: Any) -> dict[str, str]:
    """Lifecycle states of the pool by instance id."""
    found = cloud.client("autoscaling").describe_warm_pool(AutoScalingGroupName="group")
    return {each["InstanceId"]: each["LifecycleState"] for each in found["Instances"]}


@pytest.fixture
def pooled(cloud: Any) -> Any:
    """A group of one with one in its pool."""
    cloud.group(cloud.network()[1], DesiredCapacity=1)
    cloud.client("autoscaling").put_warm_pool(
        AutoScalingGroupName="group", MinSize=1, MaxGroupPreparedCapacity=1, PoolState="Stopped"
    )
    settle(cloud)
    return cloud


def test_a_pool_is_prepared_and_is_no_capacity(pooled: Any) -> None:
    """The instance is stopped, and none of the group's."""
    assert list(pool(pooled).values()) == ["Warmed:Stopped"]
    assert not set(pool(pooled)) & set(pooled.states())
    described = pooled.describe()
    assert (described["WarmPoolSize"], described["WarmPoolConfiguration"]["MinSize"]) == (1, 1)
    states = {each.id: each.state for each in views.instances()}
    assert {states[each] for each in pool(pooled)} == {"stopped"}
    client = pooled.client("autoscaling")
    (told,) = client.describe_auto_scaling_instances(InstanceIds=[*pool(pooled)])["AutoScalingInstances"]
    assert (told["AutoScalingGroupName"], told["LifecycleState"]) == ("group", "Warmed:Stopped")


def test_a_group_that_grows_starts_it_and_the_pool_is_filled_again(pooled: Any) -> None:
    """The same instance comes into service, without a launch; another one takes its place."""
    (warm,) = pool(pooled)
    pooled.client("autoscaling").set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=2)
    settle(pooled)
    assert pooled.states()[warm] == "InService"
    (other,) = pool(pooled)
    assert other != warm
    assert any("from warm pool" in each["Description"] for each in pooled.activities())


def test_its_hook_is_completed_by_its_agent(pooled: Any) -> None:
    """The target state says what the instance is for, in the pool and afterwards."""
    pooled.hook("up", "LAUNCHING", HeartbeatTimeout=60)
    pooled.client("autoscaling").set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=2)
    settle(pooled)
    targets = {each.id: each.target_lifecycle_state for each in views.instances()}
    (preparing,) = pool(pooled)
    assert (pool(pooled)[preparing], targets[preparing]) == ("Warmed:Pending:Wait", "Warmed:Stopped")
    (starting,) = [each for each, state in pooled.states().items() if state == "Pending:Wait"]
    assert targets[starting] == "InService"
    for each in (preparing, starting):
        pooled.client("autoscaling").complete_lifecycle_action(
            AutoScalingGroupName="group",
            LifecycleHookName="up",
            InstanceId=each,
            LifecycleActionResult="CONTINUE",
        )
    settle(pooled)
    assert (pool(pooled)[preparing], pooled.states()[starting]) == ("Warmed:Stopped", "InService")


def test_a_deleted_pool_leaves_nothing(pooled: Any) -> None:
    """Its instances end; the group's stay. A group that is deleted takes its pool along."""
    client = pooled.client("autoscaling")
    client.delete_warm_pool(AutoScalingGroupName="group", ForceDelete=True)
    settle(pooled)
    assert pool(pooled) == {}
    assert len(pooled.states()) == 1
    client.put_warm_pool(AutoScalingGroupName="group", MinSize=1, MaxGroupPreparedCapacity=1)
    settle(pooled)
    client.delete_auto_scaling_group(AutoScalingGroupName="group", ForceDelete=True)
    settle(pooled)
    assert {each.state for each in views.instances()} == {"terminated"}


def test_spot_groups_have_none(cloud: Any) -> None:
    """As on AWS."""
    template = {"LaunchTemplateSpecification": {"LaunchTemplateId": cloud.template(), "Version": "1"}}
    policy = {
        "LaunchTemplate": template,
        "InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": 0},
    }
    cloud.group(cloud.network()[1], MixedInstancesPolicy=policy)
    with pytest.raises(ClientError, match="Spot"):
        cloud.client("autoscaling").put_warm_pool(AutoScalingGroupName="group", MinSize=1)
