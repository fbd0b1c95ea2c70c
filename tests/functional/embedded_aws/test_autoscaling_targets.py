"""Target groups of a group: who is registered when, and what the balancer's view of a target does."""

from typing import Any

import pytest

from infra.embedded.aws import ec2, elbv2
from infra.embedded.aws.health import TargetState

IN_SERVICE = ["InService", "InService"]


def test_targets_follow_the_lifecycle(cloud: Any) -> None:
    """Registered with service, deregistered at the start of termination; EC2 ends only after draining."""
    vpc, subnets = cloud.network()
    blue = cloud.target_group(vpc)
    cloud.listener(subnets, blue)
    cloud.group(subnets, DesiredCapacity=1, TargetGroupARNs=[blue])
    cloud.reconcile()
    assert cloud.health(blue) == {}
    cloud.settle()
    (instance,) = cloud.states()
    assert cloud.health(blue) == {instance: "initial"}
    cloud.client("autoscaling").set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=0)
    cloud.reconcile()
    assert cloud.health(blue) == {instance: "draining"}
    cloud.reconcile(after=299, times=3)
    assert cloud.states() == {instance: "Terminating"}
    assert ec2.find(instance).state == "running"
    cloud.reconcile(after=1, times=3)
    assert ec2.find(instance).state == "terminated"
    assert cloud.health(blue) == {}


def test_balancer_can_end_draining_early(cloud: Any) -> None:
    """An instance without requests left needn't wait for the delay."""
    vpc, subnets = cloud.network()
    blue = cloud.target_group(vpc)
    cloud.listener(subnets, blue)
    cloud.group(subnets, DesiredCapacity=1, TargetGroupARNs=[blue])
    cloud.settle()
    (instance,) = cloud.states()
    cloud.client("autoscaling").set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=0)
    cloud.reconcile()
    elbv2.drained(blue, instance, 8000)
    cloud.reconcile(times=2)
    assert cloud.states() == {}


def test_target_that_left_by_itself_is_not_put_back(cloud: Any) -> None:
    """An instance that deregistered itself, to drain, stays out."""
    vpc, subnets = cloud.network()
    blue = cloud.target_group(vpc)
    cloud.listener(subnets, blue)
    cloud.group(subnets, DesiredCapacity=1, TargetGroupARNs=[blue])
    cloud.settle()
    (instance,) = cloud.states()
    cloud.client("elbv2").deregister_targets(TargetGroupArn=blue, Targets=[{"Id": instance}])
    cloud.reconcile(times=2)
    assert cloud.health(blue) == {instance: "draining"}


def test_killed_instance_is_replaced(cloud: Any) -> None:
    """When its machine died, the group launches another and its target is gone at once."""
    vpc, subnets = cloud.network()
    blue = cloud.target_group(vpc)
    cloud.listener(subnets, blue)
    cloud.group(subnets, TargetGroupARNs=[blue])
    cloud.settle()
    victim, other = cloud.states()
    ec2.mark_terminated(victim, "Server.SpotInstanceTermination: Spot instance termination")
    assert cloud.health(blue) == {other: "initial"}
    cloud.settle()
    assert list(cloud.states().values()) == IN_SERVICE
    assert victim not in cloud.states()
    described = cloud.client("ec2").describe_instances(InstanceIds=[victim])["Reservations"][0]["Instances"][
        0
    ]
    assert described["StateReason"]["Code"] == "Server.SpotInstanceTermination"


@pytest.mark.parametrize(("kind", "replaced"), [("EC2", False), ("ELB", True)])
def test_unhealthy_target_is_replaced_in_an_elb_group(cloud: Any, kind: str, replaced: bool) -> None:
    """What the balancer reports counts for groups with ELB health checks, and only for those."""
    vpc, subnets = cloud.network()
    blue = cloud.target_group(vpc)
    cloud.listener(subnets, blue)
    cloud.group(subnets, TargetGroupARNs=[blue], HealthCheckType=kind, HealthCheckGracePeriod=0)
    cloud.settle()
    ill = next(iter(cloud.states()))
    elbv2.set_target_health(blue, ill, 8000, TargetState.UNHEALTHY, "Target.FailedHealthChecks")
    cloud.reconcile()
    assert (cloud.states()[ill] == "Terminating") is replaced


def test_target_group_attached_later_gets_the_instances(cloud: Any) -> None:
    """Attaching waits for nothing: whoever is in service is registered at the next reconcile."""
    vpc, subnets = cloud.network()
    blue = cloud.target_group(vpc)
    cloud.listener(subnets, blue)
    cloud.group(subnets)
    cloud.reconcile()
    cloud.client("autoscaling").attach_load_balancer_target_groups(
        AutoScalingGroupName="group", TargetGroupARNs=[blue]
    )
    assert cloud.health(blue) == {}
    cloud.settle()
    assert list(cloud.health(blue).values()) == ["initial", "initial"]
