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
from tests.synth.unfolded import unfold

_OF_THE_ZIP = ("filename", "source_code_hash")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_environment_file(
    path: Path, synth: Callable[[Environment], Stack], snapshot: SnapshotAssertion
) -> None:
    """An environment file's configuration changes only on purpose."""
    assert unfold(_lasting(synth(load(path)).json)) == snapshot(extension_class=JSONSnapshotExtension)


def test_roles(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    """What the jobs of a repository may do changes only on purpose."""
    environment = load(next(path for path in FILES if path.stem == "staging"))
    build_roles(environment, github.repository("octo-org/llm"), out=tmp_path).synth()
    document = (tmp_path / "stacks" / github.stack(environment.environment) / "cdk.tf.json").read_text()
    assert unfold(_lasting(json.loads(document))) == snapshot(extension_class=JSONSnapshotExtension)


def test_a_policy_differs_where_it_was_changed() -> None:
    """A reviewer sees the one action that was added, not one long line instead of another."""
    policy = '{"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"]}]}'
    shown = unfold({"policy": policy})["policy"]["(JSON)"]["Statement"][0]
    assert shown["Action"] == ["s3:GetObject"]
    assert list(shown) == ["Effect", "Action"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1}', '{"a":1}'),
        ('{"a": 1}', '{"a": 1.0}'),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}'),
        ('{"a": 1}', '{"a":  1}'),
        ('{"a": 1, "a": 1}', '{"a": 1}'),
        ('{"a": "{\\"b\\": 1}"}', '{"a": {"b": 1}}'),
        ("a\nb", "a\nb\n"),
        ('a\n  {"b": 1}', 'a\n {"b": 1}'),
    ],
)
def test_texts_that_differ_look_different(one: str, other: str) -> None:
    """Spaces and order count, too: a launch template or a parameter changes with them."""
    written = [JSONSnapshotExtension().serialize(unfold(each)) for each in (one, other)]
    assert written[0] != written[1]


def _lasting(value: Any) -> Any:
    """The configuration without CDKTF's remarks, and without what changes with each line of a function."""
    if isinstance(value, dict):
        return {
            key: "of the zip" if key in _OF_THE_ZIP else _lasting(each)
            for key, each in value.items()
            if key != "//"
        }
    return [_lasting(each) for each in value] if isinstance(value, list) else value
