"""The roles of a repository's jobs, as Terraform would make them."""

import fnmatch
import json
from pathlib import Path
from typing import Any

import pytest

from infra.environment import github
from infra.environment.model import Environment
from stacks.app import build_roles
from tests.synth.synthesis import EXISTING, environment

_ACCOUNT = "210987654321"
_INLINE_LIMIT = 10_240
"""Characters of all inline policies of a role: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
_WRITING = ("Create", "Put", "Delete", "Update", "Modify", "Run", "Start", "Attach", "Set", "Pass", "Add")


def _resources(spec: Environment, folder: Path) -> dict[str, Any]:
    build_roles(spec, github.repository("octo-org/llm"), out=folder).synth()
    path = folder / "stacks" / github.stack(spec.environment) / "cdk.tf.json"
    text = path.read_text().replace("${data.aws_caller_identity.account.account_id}", _ACCOUNT)
    found: dict[str, Any] = json.loads(text)["resource"]
    return found


def _policies(resources: dict[str, Any], may: github.May) -> dict[str, list[dict[str, Any]]]:
    return {
        each["name"]: json.loads(each["policy"])["Statement"]
        for name, each in resources["aws_iam_role_policy"].items()
        if name.startswith(f"roles_{may}_")
    }


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of an environment in a network that is somebody else's."""
    return _resources(environment(network=EXISTING), tmp_path_factory.mktemp("roles"))


def test_trust(resources: dict[str, Any]) -> None:
    """Each role trusts just its jobs, exactly and not by pattern, with tokens that are meant for AWS."""
    for may in github.May:
        role = resources["aws_iam_role"][f"roles_{may}"]
        [trust] = json.loads(role["assume_role_policy"])["Statement"]
        assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert trust["Condition"] == {
            "StringEquals": {
                f"{github.ISSUER}:aud": "sts.amazonaws.com",
                f"{github.ISSUER}:sub": list(github.repository("octo-org/llm").subjects("test", may)),
            }
        }


def test_a_plan_changes_nothing_but_the_lock(resources: dict[str, Any]) -> None:
    """Every branch's code runs with the plan role: it can read, and lock the state."""
    for name, statements in _policies(resources, github.May.PLAN).items():
        for statement in statements:
            verbs = [action.partition(":")[2] for action in statement["Action"]]
            if any(verb.startswith(_WRITING) or verb == "*" for verb in verbs):
                assert (name, statement["Sid"]) == ("state", "Lock")
                assert statement["Resource"] == [
                    f"arn:aws:s3:::llmctl-state-{_ACCOUNT}-eu-west-1/test/terraform.tfstate.tflock"
                ]


def test_a_plan_reads_no_secret(resources: dict[str, Any]) -> None:
    """The endpoint's key is no part of a plan."""
    actions = [
        action
        for statements in _policies(resources, github.May.PLAN).values()
        for statement in statements
        for action in statement["Action"]
    ]
    assert not any(fnmatch.fnmatch("secretsmanager:GetSecretValue", action) for action in actions)


def test_an_apply_is_bounded(resources: dict[str, Any]) -> None:
    """What may be changed has the environment's name or tag, or is only ever part of making such a thing."""
    for statement in _policies(resources, github.May.APPLY)["change"]:
        bounded = "Condition" in statement or all("test" in each for each in statement["Resource"])
        assert bounded or statement["Sid"] in {"Boot", "Firewall", "Vpc", "Records", "FisActions"}


def test_an_apply_can_not_change_the_roles_of_jobs(resources: dict[str, Any]) -> None:
    """Else a job could give itself more than it was given."""
    for may in github.May:
        arn = f"arn:aws:iam::{_ACCOUNT}:role/{github.role('test', may)}"
        for statement in _policies(resources, github.May.APPLY)["change"]:
            if any(action.startswith("iam:") for action in statement["Action"]):
                assert not any(fnmatch.fnmatch(arn, each) for each in statement["Resource"])


def test_policies_fit(tmp_path: Path) -> None:
    """AWS refuses a role whose inline policies are too long: the longest name there can be must do."""
    name = "e" * 20
    made = _resources(environment(environment=name, network=EXISTING), tmp_path)
    for may in github.May:
        policies = _policies(made, may).values()
        assert sum(len(json.dumps(each, separators=(",", ":"))) for each in policies) < _INLINE_LIMIT
