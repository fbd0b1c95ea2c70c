"""What each environment file becomes: a change of it shows in review as what it changes in AWS."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from infra.environment.load import load
from infra.environment.model import Environment
from tests.synth.synthesis import FILES, Stack


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_environment_file(
    path: Path, synth: Callable[[Environment], Stack], snapshot: SnapshotAssertion
) -> None:
    """An environment file's configuration changes only on purpose."""
    assert _without_comments(synth(load(path)).json) == snapshot(extension_class=JSONSnapshotExtension)


def _without_comments(value: Any) -> Any:
    """The configuration without CDKTF's remarks about where an element comes from."""
    if isinstance(value, dict):
        return {key: _without_comments(each) for key, each in value.items() if key != "//"}
    return [_without_comments(each) for each in value] if isinstance(value, list) else value
