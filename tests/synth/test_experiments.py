"""Experiments exist where the file allows chaos, hit the model's own spot instances, and may do no more."""

import json
from collections.abc import Callable

from infra.chaos.experiments import OFFERED
from infra.environment.model import Environment
from tests.synth.synthesis import Stack, environment, model

Synth = Callable[[Environment], Stack]
ALLOWED = environment(models={"chat": model(), "code": model()}, chaos={"allow": True})


def test_there_are_none_unless_allowed(synth: Synth) -> None:
    """Chaos is asked for, in the file, under review."""
    stack = synth(environment())
    assert "aws_fis_experiment_template" not in stack.json["resource"]
    assert not [each for _, each in stack.resources("aws_iam_role") if "experiments" in each["name"]]


def test_each_model_has_one_for_each_choice(synth: Synth) -> None:
    """Found by their tags, and what each takes is the model's own."""
    found = {
        (each["tags"]["llmctl:model"], each["tags"]["llmctl:chaos"]): each
        for _, each in synth(ALLOWED).resources("aws_fis_experiment_template")
    }
    assert set(found) == {(name, who.value) for name in ("chat", "code") for who in OFFERED}
    modes = {who: each["target"][0]["selection_mode"] for (_, who), each in found.items()}
    assert modes == {"one": "COUNT(1)", "half": "PERCENT(50)", "all": "ALL"}
    target = found["code", "half"]["target"][0]
    assert target["resource_type"] == "aws:ec2:spot-instance"
    tags = {each["key"]: each["value"] for each in target["resource_tag"]}
    assert tags == {"llmctl:environment": "test", "llmctl:model": "code"}
    (action,) = found["code", "half"]["action"]
    assert action["action_id"] == "aws:ec2:send-spot-instance-interruptions"
    assert action["target"]["value"] == target["name"]


def test_they_end_when_nobody_is_left(synth: Synth) -> None:
    """An alarm that the model has anyway stops the experiment."""
    for _, each in synth(ALLOWED).resources("aws_fis_experiment_template"):
        (stop,) = each["stop_condition"]
        assert stop["source"] == "aws:cloudwatch:alarm"
        assert "no-healthy-replica" in stop["value"]


def test_the_service_may_interrupt_this_environment_only(synth: Synth) -> None:
    """Its role can't be used from another account, nor on another environment's instances."""
    (role,) = [
        each
        for _, each in synth(ALLOWED).resources("aws_iam_role")
        if each["name"] == "llmctl-test-experiments"
    ]
    (trust,) = json.loads(role["assume_role_policy"])["Statement"]
    assert trust["Principal"] == {"Service": "fis.amazonaws.com"}
    assert "aws:SourceAccount" in trust["Condition"]["StringEquals"]
    (policy,) = [
        each for _, each in synth(ALLOWED).resources("aws_iam_role_policy") if each["name"] == "experiments"
    ]
    interrupt, find = json.loads(policy["policy"])["Statement"]
    assert interrupt["Action"] == ["ec2:SendSpotInstanceInterruptions"]
    assert interrupt["Condition"] == {"StringEquals": {"aws:ResourceTag/llmctl:environment": "test"}}
    assert find["Action"] == ["ec2:DescribeInstances"]
