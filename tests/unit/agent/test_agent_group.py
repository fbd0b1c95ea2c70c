"""What the agent makes of the autoscaling group's answers."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from infra.agent.group import AutoScalingGroup


class FakeAws:
    """Autoscaling and the balancer; `error` is raised by calls that change something."""

    def __init__(self, *, in_group: bool = True, error: Exception | None = None) -> None:
        self.in_group = in_group
        self.error = error
        self.deregistered: list[str] = []
        self.completed: list[dict[str, str]] = []

    def describe_auto_scaling_instances(self, **request: Any) -> dict[str, Any]:
        """As boto3."""
        return {"AutoScalingInstances": [{"AutoScalingGroupName": "g"}] if self.in_group else []}

    def describe_auto_scaling_groups(self, **request: Any) -> dict[str, Any]:
        """As boto3."""
        return {"AutoScalingGroups": [{"TargetGroupARNs": ["arn:1", "arn:2"]}]}

    def complete_lifecycle_action(self, **request: str) -> None:
        """As boto3."""
        if self.error:
            raise self.error
        self.completed.append(request)

    record_lifecycle_action_heartbeat = complete_lifecycle_action

    def deregister_targets(self, *, TargetGroupArn: str, Targets: list[dict[str, str]]) -> None:  # noqa: N803
        """As boto3."""
        if self.error:
            raise self.error
        self.deregistered.append(TargetGroupArn)


def group(aws: FakeAws) -> AutoScalingGroup:
    """The group of i-1."""
    clients: Any = SimpleNamespace(autoscaling=aws, elbv2=aws)
    return AutoScalingGroup(clients, "i-1", "launch", "terminate")


def error(code: str) -> ClientError:
    """An error of the service."""
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "CompleteLifecycleAction")


def test_hooks_are_completed_for_this_instance() -> None:
    """The group waits for exactly this call."""
    aws = FakeAws()
    assert group(aws).complete_launch(healthy=False)
    (call,) = aws.completed
    assert (call["InstanceId"], call["LifecycleHookName"]) == ("i-1", "launch")
    assert call["LifecycleActionResult"] == "ABANDON"


def test_deregistration_covers_every_target_group() -> None:
    """One forgotten target group keeps sending requests."""
    aws = FakeAws()
    assert group(aws).deregister()
    assert aws.deregistered == ["arn:1", "arn:2"]


@pytest.mark.parametrize(
    "aws", [FakeAws(error=error("ValidationError")), FakeAws(in_group=False)], ids=["no hook", "no group"]
)
def test_nothing_to_complete_is_fine_at_launch_but_not_at_the_end(aws: FakeAws) -> None:
    """A group may have no hook; but a terminate hook may still open, so that is asked again."""
    assert group(aws).complete_launch(healthy=True)
    assert not group(aws).complete_termination()


@pytest.mark.parametrize("failure", [error("Throttling"), EndpointConnectionError(endpoint_url="x")])
def test_outages_are_not_taken_for_an_answer(failure: Exception) -> None:
    """A call that AWS did not hear must be made again."""
    aws = FakeAws(error=failure)
    assert not group(aws).complete_launch(healthy=True)
    assert not group(aws).deregister()
