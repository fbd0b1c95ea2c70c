"""Scaling policies as the API records them, and as alarms and people carry them out."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.embedded.aws import autoscaling_act, cloudwatch, elbv2
from infra.embedded.aws.health import TargetState


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


class Alarms:
    """Lets alarms of a policy go off, as CloudWatch would."""

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud

    def go_off(self, policy: str, metric: float, *, threshold: float = 0.0, low: bool = False) -> int:
        """Hand a policy an alarm with this metric, reconcile, and return the desired capacity."""
        client = self.cloud.client("autoscaling")
        (found,) = client.describe_policies(PolicyNames=[policy])["ScalingPolicies"]
        names = [alarm["AlarmName"] for alarm in found.get("Alarms", [])] or ["mine"]
        alarm = next((name for name in names if ("AlarmLow" in name) is low), names[0])
        if alarm in alarm_names(self.cloud):
            self.cloud.client("cloudwatch").set_alarm_state(
                AlarmName=alarm, StateValue="ALARM", StateReason="test"
            )
        transition = cloudwatch.Transition(
            alarm_name=alarm,
            alarm_arn="arn:aws:cloudwatch:us-east-1:123456789012:alarm:x",
            account="123456789012",
            region="us-east-1",
            old="OK",
            new="ALARM",
            reason="Threshold Crossed",
            values=(metric,),
            threshold=threshold,
            at=self.cloud.now,
        )
        autoscaling_act.act(found["PolicyARN"], transition, self.cloud.now)
        self.cloud.reconcile()
        return int(self.cloud.describe()["DesiredCapacity"])


def put_custom(cloud: Any, name: str, target: float, **parameters: Any) -> None:
    """Put a target tracking policy on a metric of its own name on `group`; instances warm up in 60 s."""
    cloud.client("autoscaling").put_scaling_policy(
        AutoScalingGroupName="group",
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        EstimatedInstanceWarmup=60,
        TargetTrackingConfiguration={
            "TargetValue": target,
            "CustomizedMetricSpecification": {
                "MetricName": name,
                "Namespace": "test",
                "Statistic": "Average",
            },
        }
        | parameters,
    )


def serving(cloud: Any, **parameters: Any) -> Alarms:
    """Bring `group` into service, all of it warmed up."""
    cloud.group(cloud.network()[1], **({"MaxSize": 10} | parameters))
    cloud.settle()
    cloud.now += 600
    return Alarms(cloud)


def alarm_names(cloud: Any) -> set[str]:
    """Names of all alarms."""
    return {alarm["AlarmName"] for alarm in cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]}


def test_target_tracking_brings_and_takes_its_alarms(cloud: Any) -> None:
    """Two alarms come with the policy, keep their names when it changes, and go with it."""
    alarms = serving(cloud)
    assert alarms
    put_custom(cloud, "queue", 10)
    client = cloud.client("autoscaling")
    (policy,) = client.describe_policies()["ScalingPolicies"]
    names = {alarm["AlarmName"] for alarm in policy["Alarms"]}
    assert alarm_names(cloud) == names
    assert {name.rsplit("-", 5)[0] for name in names} == {
        "TargetTracking-group-AlarmHigh",
        "TargetTracking-group-AlarmLow",
    }
    put_custom(cloud, "queue", 20, DisableScaleIn=True)
    (high,) = cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert high["AlarmName"] in names
    assert high["Threshold"] == 20
    client.delete_policy(AutoScalingGroupName="group", PolicyName="queue")
    assert alarm_names(cloud) == set()


def test_a_deleted_group_takes_its_policies_alarms_along(cloud: Any) -> None:
    """No alarm stays behind for a group that is no more."""
    cloud.group(cloud.network()[1], DesiredCapacity=0)
    put_custom(cloud, "queue", 10)
    cloud.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName="group")
    assert alarm_names(cloud) == set()


def test_target_tracking_scales_out_once_and_tells_why(cloud: Any) -> None:
    """Twice the target doubles the group; repeating it while instances warm up adds nothing."""
    alarms = serving(cloud)
    put_custom(cloud, "queue", 10)
    assert alarms.go_off("queue", 20) == 4
    assert alarms.go_off("queue", 20) == 4
    cloud.settle()
    assert alarms.go_off("queue", 20) == 4  # in service, yet warming up
    cloud.now += 61
    assert alarms.go_off("queue", 20) == 8
    causes = [activity["Cause"] for activity in cloud.activities()]
    high = next(name for name in alarm_names(cloud) if "AlarmHigh" in name)
    assert f"a monitor alarm {high} in state ALARM triggered policy queue" in causes[0]
    assert "changing the desired capacity from 4 to 8" in causes[0]
    assert "in response to a difference between desired and actual capacity" in causes[0]


def test_target_tracking_scales_in_conservatively(cloud: Any) -> None:
    """Not while instances warm up, then never so far that the metric would pass its target."""
    alarms = serving(cloud, DesiredCapacity=5)
    put_custom(cloud, "queue", 50)
    assert alarms.go_off("queue", 35, low=True) == 4
    assert alarms.go_off("queue", 10, low=True) == 4  # one is leaving
    cloud.settle()
    assert alarms.go_off("queue", 10, low=True) == 1
    assert "shrinking the capacity" in cloud.activities()[0]["Cause"]


def test_all_policies_must_agree_to_scale_in(cloud: Any) -> None:
    """One policy that sees no reason holds the group; when it does, the larger wish counts."""
    alarms = serving(cloud, DesiredCapacity=6)
    put_custom(cloud, "one", 10)
    put_custom(cloud, "two", 10)
    assert alarms.go_off("one", 1, low=True) == 6
    assert alarms.go_off("two", 5, low=True) == 3


def test_largest_wish_wins_when_scaling_out(cloud: Any) -> None:
    """Whatever the order of their alarms, the policy that wants most capacity has it."""
    alarms = serving(cloud)
    put_custom(cloud, "one", 10)
    put_custom(cloud, "two", 10)
    assert alarms.go_off("one", 40) == 8
    assert alarms.go_off("two", 20) == 8


def test_suspended_or_disabled_policies_rest(cloud: Any) -> None:
    """AlarmNotification suspended, or Enabled false: alarms change nothing."""
    alarms = serving(cloud)
    put_custom(cloud, "queue", 10)
    client = cloud.client("autoscaling")
    suspended = {"AutoScalingGroupName": "group", "ScalingProcesses": ["AlarmNotification"]}
    client.suspend_processes(**suspended)
    assert alarms.go_off("queue", 20) == 2
    client.resume_processes(**suspended)
    assert alarms.go_off("queue", 20) == 4


def put_simple(cloud: Any, **parameters: Any) -> None:
    """Put the policy `one more` on `group`, with a cooldown of 100 s."""
    defaults = {
        "PolicyType": "SimpleScaling",
        "AdjustmentType": "ChangeInCapacity",
        "ScalingAdjustment": 1,
        "Cooldown": 100,
    }
    cloud.client("autoscaling").put_scaling_policy(
        AutoScalingGroupName="group", PolicyName="one more", **(defaults | parameters)
    )


def test_simple_scaling_waits_for_instances_and_cooldown(cloud: Any) -> None:
    """After its own activity is complete, the policy waits for its cooldown.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-scaling-cooldowns.html
    """
    alarms = serving(cloud)
    put_simple(cloud)
    assert alarms.go_off("one more", 1) == 3
    cloud.now += 300
    assert alarms.go_off("one more", 1) == 3  # still launching
    cloud.settle()
    cloud.now += 99
    assert alarms.go_off("one more", 1) == 3
    cloud.now += 1
    assert alarms.go_off("one more", 1) == 4


def put_steps(cloud: Any) -> None:
    """Put the user guide's policy to scale out, as `steps`, on `group`."""
    cloud.client("autoscaling").put_scaling_policy(
        AutoScalingGroupName="group",
        PolicyName="steps",
        PolicyType="StepScaling",
        AdjustmentType="PercentChangeInCapacity",
        EstimatedInstanceWarmup=60,
        StepAdjustments=[
            {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 0},
            {"MetricIntervalLowerBound": 10, "MetricIntervalUpperBound": 20, "ScalingAdjustment": 10},
            {"MetricIntervalLowerBound": 20, "ScalingAdjustment": 30},
        ],
    )


def test_step_scaling_follows_the_breach(cloud: Any) -> None:
    """10 at 60 become 11; at 70 the three of the next step include the one that warms up."""
    alarms = serving(cloud, MaxSize=20, DesiredCapacity=10)
    put_steps(cloud)
    assert alarms.go_off("steps", 55, threshold=50) == 10
    assert alarms.go_off("steps", 60, threshold=50) == 11
    assert alarms.go_off("steps", 60, threshold=50) == 11
    assert alarms.go_off("steps", 70, threshold=50) == 13


def test_policies_can_be_executed_by_hand(cloud: Any) -> None:
    """A simple policy at once, unless its cooldown is to be honoured; steps with the metric they ask for."""
    serving(cloud, MaxSize=20, DesiredCapacity=10)
    cloud.now = time.time() + 600  # an execution takes place now
    put_simple(cloud)
    put_steps(cloud)
    client = cloud.client("autoscaling")
    client.execute_policy(AutoScalingGroupName="group", PolicyName="one more")
    assert cloud.describe()["DesiredCapacity"] == 11
    with pytest.raises(ClientError, match="ScalingActivityInProgress"):
        client.execute_policy(AutoScalingGroupName="group", PolicyName="one more", HonorCooldown=True)
    with pytest.raises(ClientError, match="MetricValue"):
        client.execute_policy(AutoScalingGroupName="group", PolicyName="steps")
    put_custom(cloud, "queue", 10)
    with pytest.raises(ClientError, match="TargetTrackingScaling"):
        client.execute_policy(AutoScalingGroupName="group", PolicyName="queue")


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"PolicyType": "PredictiveScaling"}, "NotImplemented"),
        (
            {"PolicyType": "SimpleScaling", "AdjustmentType": "Double", "ScalingAdjustment": 1},
            "AdjustmentType",
        ),
        ({"PolicyType": "SimpleScaling", "AdjustmentType": "ChangeInCapacity"}, "ScalingAdjustment"),
        ({"PolicyType": "StepScaling", "AdjustmentType": "ChangeInCapacity"}, "StepAdjustment"),
        (
            {"PolicyType": "TargetTrackingScaling", "TargetTrackingConfiguration": {"TargetValue": 1}},
            "metric",
        ),
    ],
)
def test_policies_that_could_not_act_are_refused(cloud: Any, parameters: dict[str, Any], reason: str) -> None:
    """A policy without what its type needs is an error, and leaves nothing behind."""
    cloud.group(cloud.network()[1])
    client = cloud.client("autoscaling")
    with pytest.raises(ClientError, match=reason):
        client.put_scaling_policy(AutoScalingGroupName="group", PolicyName="p", **parameters)
    assert client.describe_policies()["ScalingPolicies"] == []


def test_warm_up_begins_after_the_first_health_checks(cloud: Any) -> None:
    """An instance that gets no request yet is no capacity, however fast monitoring lives."""
    vpc, subnets = cloud.network()
    blue = cloud.target_group(vpc)
    cloud.listener(subnets, blue)
    cloud.group(subnets, MaxSize=10, DesiredCapacity=1, TargetGroupARNs=[blue])
    cloud.settle()
    put_custom(cloud, "queue", 10)
    alarms = Alarms(cloud)
    (first,) = cloud.states()
    cloud.now += 600
    assert alarms.go_off("queue", 30) == 1  # still unchecked
    elbv2.set_target_health(blue, first, 8000, TargetState.HEALTHY)
    cloud.reconcile()
    cloud.now += 61
    assert alarms.go_off("queue", 30) == 3
    cloud.settle()
    cloud.now += 600
    assert alarms.go_off("queue", 30) == 3
