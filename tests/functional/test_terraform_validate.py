"""Terraform and the provider themselves accept every variant of an environment."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from infra.errors import Refused
from infra.terraform.find import find_executable
from infra.terraform.provider import find_mirror, settings
from tests.synth.synthesis import VARIANTS, Stack

pytestmark = pytest.mark.terraform


@pytest.mark.parametrize("name", list(VARIANTS))
def test_validates(name: str, tmp_path: Path) -> None:
    """`terraform validate` has neither an error nor a warning."""
    try:
        executable = find_executable(os.environ)
    except Refused as error:
        pytest.skip(error.message)
    mirror = find_mirror(os.environ)
    if mirror is None:
        pytest.skip("the AWS provider is in no mirror on this machine")
    variables = {**os.environ, **settings(mirror, os.environ, tmp_path), "CHECKPOINT_DISABLE": "1"}
    stack = Stack(VARIANTS[name], tmp_path)

    def terraform(*arguments: str) -> str:
        ran = subprocess.run(
            [*executable.command, *arguments],
            cwd=stack.folder,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0 or arguments[0] == "validate", ran.stderr
        return ran.stdout

    terraform("init", "-backend=false", "-input=false")
    verdict = json.loads(terraform("validate", "-json"))
    assert verdict["valid"], verdict["diagnostics"]
    assert verdict["diagnostics"] == []
