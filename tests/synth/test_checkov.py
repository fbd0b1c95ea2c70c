"""The shipped stacks against checkov: what it objects to nevertheless is answered in stacks/checkov.yaml."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
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
LEAST_PASSED = 500
"""Checks that hold: a run that looked at nothing must not count."""


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
    command = [str(CHECKOV), "--directory", str(folder), "--framework", "terraform_json"]
    done = subprocess.run(
        [*command, "--skip-download", "--quiet", "--compact", "--output", "json"],
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


def _failed(report: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Environment, check and resource of every objection."""
    return {
        (
            Path(each["file_path"]).name.partition(".")[0],
            each["check_id"],
            each["resource"].rpartition(".")[2],
        )
        for each in report["results"]["failed_checks"]
    }


def test_nothing_is_objected_to_without_an_answer(report: dict[str, Any], skips: tuple[Skip, ...]) -> None:
    """A new objection is a fault of the stack, or a decision that somebody writes down."""
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] >= LEAST_PASSED
    assert [each for each in sorted(_failed(report)) if not any(one.covers(*each) for one in skips)] == []


def test_no_answer_outlives_its_objection(report: dict[str, Any], skips: tuple[Skip, ...]) -> None:
    """A skip that covers nothing would let the next fault of its kind pass."""
    failed = _failed(report)
    assert [one for one in skips if not any(one.covers(*each) for each in failed)] == []


def test_every_answer_has_a_reason(skips: tuple[Skip, ...]) -> None:
    """In a sentence at least, and once for a check and place."""
    assert all(len(each.reason) > 40 for each in skips)
    assert len(set(skips)) == len(skips)
