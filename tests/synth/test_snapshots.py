"""What each environment file becomes: a change of it shows in review as what it changes in AWS."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from infra.environment import github
from infra.environment.load import load
from infra.environment.model import Environment
from stacks.app import build_roles
from tests.synth.synthesis import FILES, Stack

_OF_THE_ZIP = ("filename", "source_code_hash")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_environment_file(
    path: Path, synth: Callable[[Environment], Stack], snapshot: SnapshotAssertion
) -> None:
    """An environment file's configuration changes only on purpose."""
    assert _lasting(synth(load(path)).json) == snapshot(extension_class=JSONSnapshotExtension)


def test_roles(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """What the jobs of a repository may do changes only on purpose."""
    environment = load(next(path for path in FILES if path.stem == "staging"))
    build_roles(environment, github.repository("octo-org/llm"), out=tmp_path).synth()
    document = (tmp_path / "stacks" / github.stack(environment.environment) / "cdk.tf.json").read_text()
    assert _lasting(json.loads(document)) == snapshot(extension_class=JSONSnapshotExtension)


def _lasting(value: Any) -> Any:
    """The configuration without CDKTF's remarks, and without what changes with each line of a function."""
    if isinstance(value, dict):
        return {
            key: "of the zip" if key in _OF_THE_ZIP else _lasting(each)
            for key, each in value.items()
            if key != "//"
        }
    return [_lasting(each) for each in value] if isinstance(value, list) else value
