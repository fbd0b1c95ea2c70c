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

_OF_THE_ZIP = ("filename", "source_code_hash")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_environment_file(
    path: Path, synth: Callable[[Environment], Stack], snapshot: SnapshotAssertion
) -> None:
    """An environment file's configuration changes only on purpose."""
    assert _lasting(synth(load(path)).json) == snapshot(extension_class=JSONSnapshotExtension)


def _lasting(value: Any) -> Any:
    """The configuration without CDKTF's remarks, and without what changes with each line of a function."""
    if isinstance(value, dict):
        return {
            key: "of the zip" if key in _OF_THE_ZIP else _lasting(each)
            for key, each in value.items()
            if key != "//"
        }
    return [_lasting(each) for each in value] if isinstance(value, list) else value
