"""The shipped stacks against checkov: what it objects to nevertheless is answered in stacks/checkov.yaml."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from infra.environment import github
from infra.environment.load import load
from stacks.app import build_roles
from tests.synth.synthesis import FILES, Stack

CHECKOV = Path(sys.prefix) / "checkov" / "bin" / "checkov"
SKIPS = Path(__file__).parents[2] / "stacks" / "checkov.yaml"
ROLES = "roles"
LEAST_PASSED = 400
LEAST_PASSED_OF_EACH = 20
"""Checks that hold, of all stacks and of each: what wasn't looked at has no objections either."""

BROKEN = "broken"
FAULTS = [
    ("CKV_AWS_63", "guardian_policy"),
    ("CKV_AWS_79", "model_chat_release_template"),
    ("CKV_AWS_131", "balancer_alb"),
    ("CKV2_AWS_6", "artefacts_bucket"),
]
"""A policy, a block, a setting, and a resource that another one lacks."""


@dataclass(frozen=True)
class Skip:
    """An objection that stands."""

    check: str
    resources: tuple[str, ...]
    environments: tuple[str, ...]
    """Empty: all."""
    reason: str

    def covers(self, environment: str, check: str, resource: str) -> bool:
        """Whether it is about that finding."""
        here = not self.environments or environment in self.environments
        return here and check == self.check and any(fnmatch(resource, each) for each in self.resources)

    def parts(self) -> Iterator["Skip"]:
        """What it says of each of its resources in each of its environments."""
        for resource in self.resources:
            for environment in self.environments or ("",):
                named = (environment,) if environment else ()
                yield replace(self, resources=(resource,), environments=named)


@pytest.fixture(scope="module")
def skips() -> tuple[Skip, ...]:
    """All of the file."""
    found = YAML(typ="safe").load(SKIPS)
    return tuple(
        Skip(each["check"], tuple(each["resources"]), tuple(each.get("environments", ())), each["reason"])
        for each in found
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What checkov says of every shipped environment, and of the roles that CI jobs take."""
    if not CHECKOV.exists():
        pytest.skip("checkov is not installed: `make setup-dev` does it")
    folder = tmp_path_factory.mktemp("stacks")
    for name, document in _documents(tmp_path_factory):
        # Its reader of Terraform's JSON stumbles over settings that are no blocks.
        del document["terraform"]
        (folder / f"{name}.tf.json").write_text(json.dumps(document))
        if name == FILES[0].stem:
            (folder / f"{BROKEN}.tf.json").write_text(json.dumps(_broken(document)))
    command = [str(CHECKOV), "--directory", str(folder), "--framework", "terraform_json"]
    done = subprocess.run(
        [*command, "--skip-download", "--compact", "--output", "json"],
        env={**os.environ, "LOG_LEVEL": "ERROR"},
        capture_output=True,
        check=False,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _documents(folders: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in FILES:
        environment = load(path)
        yield path.stem, Stack(environment, folders.mktemp(path.stem)).json
    out = folders.mktemp(ROLES)
    build_roles(environment, github.repository("octo-org/llm"), out=out).synth()
    stack = out / "stacks" / github.stack(environment.environment) / "cdk.tf.json"
    yield ROLES, json.loads(stack.read_text())


def _broken(document: dict[str, Any]) -> dict[str, Any]:
    """The stack with the faults of FAULTS."""
    found: dict[str, Any] = json.loads(json.dumps(document))
    resources = found["resource"]
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    resources["aws_iam_role_policy"]["guardian_policy"]["policy"] = policy
    resources["aws_launch_template"]["model_chat_release_template"]["metadata_options"]["http_tokens"] = (
        "optional"
    )
    resources["aws_lb"]["balancer_alb"]["drop_invalid_header_fields"] = False
    del resources["aws_s3_bucket_public_access_block"]
    return found


def _failed(report: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Environment, check and resource of every objection."""
    return {
        (_stack(each), each["check_id"], each["resource"].rpartition(".")[2])
        for each in report["results"]["failed_checks"]
    }


def _stack(check: dict[str, Any]) -> str:
    return Path(check["file_path"]).name.partition(".")[0]


def test_every_stack_is_looked_at(report: dict[str, Any]) -> None:
    """A stack that checkov passed over would seem to have no faults."""
    assert report["summary"]["parsing_errors"] == 0
    passed = Counter(_stack(each) for each in report["results"]["passed_checks"])
    assert passed.total() >= LEAST_PASSED
    assert {name for name, count in passed.items() if count >= LEAST_PASSED_OF_EACH} == {
        ROLES,
        *(path.stem for path in FILES),
        BROKEN,
    }


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(report: dict[str, Any], fault: tuple[str, str]) -> None:
    """Of a stack with known faults, written as ours are, checkov tells each one."""
    assert (BROKEN, *fault) in _failed(report)


def test_nothing_is_objected_to_without_an_answer(report: dict[str, Any], skips: tuple[Skip, ...]) -> None:
    """A new objection is a fault of the stack, or a decision that somebody writes down."""
    objections = sorted(each for each in _failed(report) if each[0] != BROKEN)
    assert [each for each in objections if not any(one.covers(*each) for one in skips)] == []


def test_no_answer_outlives_its_objection(report: dict[str, Any], skips: tuple[Skip, ...]) -> None:
    """A skip that covers nothing, be it for one resource or place, would let the next fault there pass."""
    failed = [each for each in _failed(report) if each[0] != BROKEN]
    parts = [part for one in skips for part in one.parts()]
    assert [part for part in parts if not any(part.covers(*each) for each in failed)] == []


def test_every_answer_has_a_reason(skips: tuple[Skip, ...]) -> None:
    """In a sentence at least, and once for a check and place."""
    assert all(len(each.reason) > 40 for each in skips)
    assert len(set(skips)) == len(skips)
