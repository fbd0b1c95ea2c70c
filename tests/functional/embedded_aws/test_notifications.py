"""EC2 and Auto Scaling tell EventBridge what happens, and rules hand it to functions."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.embedded.aws import autoscaling, ec2, functions

ACCOUNT = "123456789012"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:listener"
OURS = {"AutoScalingGroupName": [{"prefix": "gro"}]}


@pytest.fixture
def heard(cloud: Any) -> Iterator[list[Any]]:
    """What a function hears that listens to everything, and to nothing of a schedule."""
    found: list[Any] = []
    functions.set_invoke(lambda arn, event, finish: found.append(event))
    client = cloud.client("events")
    rules = {
        "ec2": {"source": ["aws.ec2"]},
        "ours": {"source": ["aws.autoscaling"], "detail": OURS},
        "theirs": {"source": ["aws.autoscaling"], "detail": {"AutoScalingGroupName": [{"prefix": "x"}]}},
    }
    for name, pattern in rules.items():
        client.put_rule(Name=name, EventPattern=json.dumps(pattern))
        client.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": FUNCTION}])
    client.put_rule(Name="often", ScheduleExpression="rate(1 minute)")
    client.put_targets(Rule="often", Targets=[{"Id": "1", "Arn": FUNCTION}])
    yield found
    functions.set_invoke(None)
    autoscaling.set_capacity(None)


def test_a_groups_life_is_told(cloud: Any, heard: list[Any]) -> None:
    """Launches once in service and terminations once done, with the group, the instance and the zone."""
    cloud.group(cloud.network()[1], DesiredCapacity=1)
    cloud.settle()
    (instance,) = cloud.states()
    cloud.client("autoscaling").set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=0)
    cloud.settle()
    told = [(each["detail-type"], each["detail"]) for each in heard if each["source"] == "aws.autoscaling"]
    assert [kind for kind, _ in told] == [
        "EC2 Instance Launch Successful",
        "EC2 Instance Terminate Successful",
    ]
    for _, detail in told:
        assert (detail["AutoScalingGroupName"], detail["EC2InstanceId"]) == ("group", instance)
        assert detail["Details"]["Availability Zone"].startswith("us-east-1")
    states = [each["detail"]["state"] for each in heard if "State-change" in each["detail-type"]]
    assert states == ["running", "terminated"]


def test_a_failed_launch_is_told_with_its_reason(cloud: Any, heard: list[Any]) -> None:
    """Whoever listens learns that there is no capacity, and where."""
    autoscaling.set_capacity(lambda zone, kind, market: False)
    cloud.group(cloud.network()[1], DesiredCapacity=1)
    cloud.reconcile()
    (event,) = heard
    assert event["detail-type"] == "EC2 Instance Launch Unsuccessful"
    assert "InsufficientInstanceCapacity" in event["detail"]["StatusMessage"]


def test_notices_are_told(cloud: Any, heard: list[Any]) -> None:
    """The two words of the spot market, in EC2's shapes."""
    cloud.group(cloud.network()[1], DesiredCapacity=1)
    cloud.settle()
    (instance,) = cloud.states()
    heard.clear()
    ec2.announce_rebalance(instance)
    ec2.announce_interruption(instance)
    assert [(each["detail-type"], each["detail"]) for each in heard] == [
        ("EC2 Instance Rebalance Recommendation", {"instance-id": instance}),
        (
            "EC2 Spot Instance Interruption Warning",
            {"instance-id": instance, "instance-action": "terminate"},
        ),
    ]
    assert heard[0]["resources"] == [f"arn:aws:ec2:us-east-1:{heard[0]['account']}:instance/{instance}"]
    assert heard[0]["time"].endswith("Z")
