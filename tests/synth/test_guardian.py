"""The guardian is in every environment, hears of the market at once, and may do no more than resize."""

import json
from collections.abc import Callable
from typing import Any

from infra.environment.model import Environment
from infra.guardian.config import GuardedModel
from tests.synth.synthesis import Stack, environment, model

Synth = Callable[[Environment], Stack]


def statements(stack: Stack) -> dict[str, Any]:
    """The guardian's own policy, by the ids of its statements."""
    (policy,) = [each for _, each in stack.resources("aws_iam_role_policy") if each["name"] == "guardian"]
    return {each["Sid"]: each for each in json.loads(policy["policy"])["Statement"]}


def test_it_looks_each_minute_and_at_every_event(variant: Stack, spec: Environment) -> None:
    """Every rule leads to the function, and may invoke it."""
    rules = {
        address: each
        for address, each in variant.resources("aws_cloudwatch_event_rule")
        if each["name"].startswith(f"llmctl-{spec.environment}-guardian")
    }
    assert {each.get("schedule_expression") for each in rules.values()} == {"rate(1 minute)", None}
    function = "${aws_lambda_function.guardian_function."
    aimed = {
        each["rule"]
        for _, each in variant.resources("aws_cloudwatch_event_target")
        if each["arn"] == f"{function}arn}}"
    }
    allowed = {
        each["source_arn"]
        for _, each in variant.resources("aws_lambda_permission")
        if each["function_name"] == f"{function}id}}"
    }
    assert aimed == {f"${{{address}.name}}" for address in rules}
    assert allowed == {f"${{{address}.arn}}" for address in rules}


def test_it_hears_of_notices_losses_and_its_own_groups(synth: Synth) -> None:
    """The events that EC2 and Auto Scaling send, by their documented names."""
    patterns = [
        json.loads(each["event_pattern"])
        for _, each in synth(environment()).resources("aws_cloudwatch_event_rule")
        if "event_pattern" in each
    ]
    heard = {kind for pattern in patterns for kind in pattern["detail-type"]}
    assert heard == {
        "EC2 Instance Launch Successful",
        "EC2 Instance Launch Unsuccessful",
        "EC2 Instance Rebalance Recommendation",
        "EC2 Instance State-change Notification",
        "EC2 Instance Terminate Successful",
        "EC2 Spot Instance Interruption Warning",
    }
    (groups,) = [each for each in patterns if each["source"] == ["aws.autoscaling"]]
    assert groups["detail"] == {"AutoScalingGroupName": [{"prefix": "llmctl-test-"}]}


def test_it_resizes_groups_of_its_environment_and_nothing_more(synth: Synth) -> None:
    """It starts no release, moves no weight, and writes but notices and events."""
    found = statements(synth(environment()))
    changes = {
        action
        for each in found.values()
        for action in each["Action"]
        if not action.split(":")[1].startswith(("Describe", "Get", "Query"))
    }
    assert changes == {
        "autoscaling:DeleteWarmPool",
        "autoscaling:PutWarmPool",
        "autoscaling:SetDesiredCapacity",
        "dynamodb:PutItem",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    }
    assert found["Resize"]["Condition"] == {"StringEquals": {"aws:ResourceTag/llmctl:environment": "test"}}
    assert found["Write"]["Condition"]["ForAllValues:StringEquals"] == {
        "dynamodb:LeadingKeys": ["notice", "event"]
    }


def test_a_model_without_fallback_is_left_alone(synth: Synth) -> None:
    """What the guardian is told of a model is an item of the table; without a fallback there is none."""
    models = {"guarded": model(), "alone": model(spot={"fallback": False})}
    items = [each for _, each in synth(environment(models)).resources("aws_dynamodb_table_item")]
    told = [GuardedModel.from_json(json.loads(each["item"])["config"]["S"]).name for each in items]
    assert told == ["guarded"]


def test_the_most_on_demand_is_the_groups_maximum(synth: Synth) -> None:
    """A quota holds whoever resizes: it is the group's own bound."""
    spec = model(replicas={"min": 1, "max": 8}, spot={"most_on_demand": 3})
    sizes = {
        each["max_size"]
        for _, each in synth(environment({"chat": spec})).resources("aws_autoscaling_group")
        if each["name"].endswith("on-demand")
    }
    assert sizes == {3}
