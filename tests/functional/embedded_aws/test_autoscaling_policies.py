"""Scaling policies as the API records them, and as alarms and people carry them out."""

from typing import Any


def test_deleted_group_takes_hooks_and_policies_along(cloud: Any) -> None:
    """A new group of the same name starts without the old one's hooks and policies."""
    subnets = cloud.network()[1]
    template = {"LaunchTemplateId": cloud.template(), "Version": "1"}
    cloud.group(subnets, DesiredCapacity=0, LaunchTemplate=template)
    cloud.hook("up", "LAUNCHING")
    put_policy(cloud, "group", 5)
    client = cloud.client("autoscaling")
    client.delete_auto_scaling_group(AutoScalingGroupName="group")
    cloud.group(subnets, DesiredCapacity=0, LaunchTemplate=template)
    assert client.describe_lifecycle_hooks(AutoScalingGroupName="group")["LifecycleHooks"] == []
    assert client.describe_policies()["ScalingPolicies"] == []


def put_policy(cloud: Any, group: str, target: float) -> None:
    """Put the policy `requests` on a group."""
    cloud.client("autoscaling").put_scaling_policy(
        AutoScalingGroupName=group,
        PolicyName="requests",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={
            "TargetValue": target,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
        },
    )


def test_policies_of_two_groups_may_share_a_name(cloud: Any) -> None:
    """Each group has its own, enabled, without predictive configuration; deleting one keeps the other."""
    subnets = cloud.network()[1]
    template = {"LaunchTemplateId": cloud.template(), "Version": "1"}
    for name, target in (("one", 1), ("two", 2)):
        cloud.group(subnets, AutoScalingGroupName=name, LaunchTemplate=template)
        put_policy(cloud, name, target)
    client = cloud.client("autoscaling")
    policies = client.describe_policies()["ScalingPolicies"]
    assert [p["TargetTrackingConfiguration"]["TargetValue"] for p in policies] == [1, 2]
    assert {p["Enabled"] for p in policies} == {True}
    assert not any("PredictiveScalingConfiguration" in p for p in policies)
    client.delete_policy(AutoScalingGroupName="one", PolicyName="requests")
    assert [p["AutoScalingGroupName"] for p in client.describe_policies()["ScalingPolicies"]] == ["two"]


def test_disabled_policy_is_shown_as_disabled(cloud: Any) -> None:
    """`Enabled` reads back as written."""
    cloud.group(cloud.network()[1])
    client = cloud.client("autoscaling")
    client.put_scaling_policy(
        AutoScalingGroupName="group",
        PolicyName="steps",
        PolicyType="SimpleScaling",
        AdjustmentType="ChangeInCapacity",
        ScalingAdjustment=1,
        Enabled=False,
    )
    assert client.describe_policies()["ScalingPolicies"][0]["Enabled"] is False
