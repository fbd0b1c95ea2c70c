"""The watchdog is in every environment, and may do what going back takes."""

import json
from collections.abc import Callable
from typing import Any

from infra.environment.model import Environment
from tests.synth.synthesis import VARIANTS, Stack, environment, model

Synth = Callable[[Environment], Stack]


def statements(stack: Stack) -> dict[str, Any]:
    """The watchdog's own policy, by the ids of its statements."""
    (policy,) = [each for _, each in stack.resources("aws_iam_role_policy") if each["name"] == "watchdog"]
    return {each["Sid"]: each for each in json.loads(policy["policy"])["Statement"]}


def function(stack: Stack) -> dict[str, Any]:
    """The function."""
    return dict(stack.resources("aws_lambda_function"))["aws_lambda_function.watchdog_function"]


def test_every_environment_is_watched_each_minute(variant: Stack, spec: Environment) -> None:
    """No environment has rollouts that nobody takes back; the function is told which one is its own."""
    watchdog = function(variant)
    assert watchdog["environment"] == {"variables": {"LLMCTL_ENVIRONMENT": spec.environment}}
    rule = dict(variant.resources("aws_cloudwatch_event_rule"))["aws_cloudwatch_event_rule.watchdog_schedule"]
    assert rule["schedule_expression"] == "rate(1 minute)"
    target = dict(variant.resources("aws_cloudwatch_event_target"))[
        "aws_cloudwatch_event_target.watchdog_target"
    ]
    assert target["arn"] == "${aws_lambda_function.watchdog_function.arn}"


def test_models_come_and_go_without_touching_it(synth: Synth) -> None:
    """Its zip and its settings are the same whichever models there are."""
    one = function(synth(environment()))
    two = function(synth(environment(models={"a": model(), "b": model()})))
    assert one == two


def test_it_starts_no_release(synth: Synth) -> None:
    """It may size groups of its environment, but has not what booting another release would take."""
    found = statements(synth(environment()))
    actions = {action for each in found.values() for action in each["Action"]}
    assert not {action for action in actions if action.startswith(("ec2:", "iam:"))}
    assert found["Resize"]["Action"] == [
        "autoscaling:BatchDeleteScheduledAction",
        "autoscaling:BatchPutScheduledUpdateGroupAction",
        "autoscaling:UpdateAutoScalingGroup",
    ]
    assert found["Resize"]["Condition"] == {"StringEquals": {"aws:ResourceTag/llmctl:environment": "test"}}
    assert found["Resize"]["Resource"][0].endswith(":autoScalingGroupName/llmctl-test-*")


def test_it_moves_rules_of_its_own_balancer_only(synth: Synth) -> None:
    """Weights elsewhere are not its business."""
    (arn,) = statements(synth(environment()))["Route"]["Resource"]
    assert arn.endswith(":listener-rule/app/llmctl-test/*")


def test_it_writes_what_rollouts_write(synth: Synth) -> None:
    """The runtime table is open to it where a driver writes; what the agents and the waker say is not."""
    found = statements(synth(environment()))["Journal"]
    assert found["Condition"] == {
        "ForAllValues:StringLike": {
            "dynamodb:LeadingKeys": ["rollout", "journal#*", "rollouts#*", "model", "event"]
        }
    }
    assert "dynamodb:DeleteItem" not in found["Action"]


def test_its_log_ends_some_day(synth: Synth) -> None:
    """The function's log group is made before it, with a retention."""
    stack = synth(VARIANTS["existing"])
    groups = {each["name"]: each for _, each in stack.resources("aws_cloudwatch_log_group")}
    assert groups["/aws/lambda/llmctl-test-watchdog"]["retention_in_days"] == 30
    assert "aws_cloudwatch_log_group.watchdog_logs" in function(stack)["depends_on"]
