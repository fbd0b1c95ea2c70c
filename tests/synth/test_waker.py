"""The waker is there where a model may sleep, and may do little."""

import json
from collections.abc import Callable
from typing import Any

from infra.environment.model import Environment
from tests.synth.synthesis import VARIANTS, Stack, environment, model

Synth = Callable[[Environment], Stack]


def statements(stack: Stack) -> dict[str, Any]:
    """The waker's own policy, by the ids of its statements."""
    (policy,) = [each for _, each in stack.resources("aws_iam_role_policy") if each["name"] == "waker"]
    return {each["Sid"]: each for each in json.loads(policy["policy"])["Statement"]}


def test_no_sleeper_no_waker(synth: Synth) -> None:
    """An environment whose models never sleep has no waker and nothing that belongs to one."""
    assert not [address for address, _ in synth(environment()).resources() if "waker" in address]


def test_one_waker_for_all_sleepers(synth: Synth) -> None:
    """Each sleeping model has a target group of its own, all lead to the same function."""
    nap = {"min": 0, "max": 2, "sleep_after": "5m"}
    stack = synth(environment(models={"a": model(replicas=nap), "b": model(replicas=nap), "c": model()}))
    assert [address for address, _ in stack.resources("aws_lambda_function") if "waker" in address] == [
        "aws_lambda_function.waker_function"
    ]
    attached = [each["target_group_arn"] for _, each in stack.resources("aws_lb_target_group_attachment")]
    assert sorted(attached) == [
        "${aws_lb_target_group.model_a_waker_targets.arn}",
        "${aws_lb_target_group.model_b_waker_targets.arn}",
    ]


def test_it_decides_no_release(synth: Synth) -> None:
    """The waker may remember and report, but not say which slot or release is live."""
    write = statements(synth(VARIANTS["watched"]))["Write"]
    assert write["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"] == ["waker", "event"]


def test_it_can_tell_that_a_rollout_goes_on(synth: Synth) -> None:
    """The waker reads the record of a model's rollout, and may not write it."""
    found = statements(synth(VARIANTS["watched"]))
    assert "rollout" in found["Read"]["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]
    assert found["Read"]["Action"] == ["dynamodb:GetItem"]


def test_it_resizes_groups_of_its_environment_only(synth: Synth) -> None:
    """Groups of an environment whose name starts alike carry another tag."""
    resize = statements(synth(VARIANTS["watched"]))["Resize"]
    assert resize["Condition"] == {"StringEquals": {"aws:ResourceTag/llmctl:environment": "test"}}


def test_only_its_own_callers_may_invoke_it(synth: Synth) -> None:
    """Each permission names the one rule or target group that it is for."""
    for address, permission in synth(VARIANTS["watched"]).resources("aws_lambda_permission"):
        assert permission["source_arn"].endswith(".arn}"), address


def test_its_log_ends_some_day(synth: Synth) -> None:
    """The function's log group is made before it, with a retention."""
    stack = synth(VARIANTS["watched"])
    groups = {each["name"]: each for _, each in stack.resources("aws_cloudwatch_log_group")}
    assert groups["/aws/lambda/llmctl-test-waker"]["retention_in_days"] == 30
    waker = dict(stack.resources("aws_lambda_function"))["aws_lambda_function.waker_function"]
    assert "aws_cloudwatch_log_group.waker_logs" in waker["depends_on"]
