"""Tables in docs/ that must say what the code says."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from infra.errors import ExitCode
from infra.rollout.view import PastView, RolloutView

_CODE = ("cli", "infra", "modules", "stacks")


def test_exit_codes_are_documented(repository: Path) -> None:
    """Scripts rely on exit codes: the table in the documentation is the enum, row by row."""
    text = (repository / "docs" / "exit-codes.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", text, re.MULTILINE)
    assert rows == [(str(code.value), code.meaning) for code in ExitCode]


def test_environment_variables_are_documented(repository: Path) -> None:
    """A setting that only the source knows is no setting; one that nothing reads misleads."""
    used: set[str] = set()
    for folder in _CODE:
        for path in (repository / folder).rglob("*.py"):
            used.update(re.findall(r"\bLLMCTL_[A-Z][A-Z_]+\b", path.read_text()))
    text = (repository / "docs" / "environment-variables.md").read_text()
    documented = set(re.findall(r"^\| `(LLMCTL_[A-Z_]+)` \|", text, re.MULTILINE))
    assert documented == used


@pytest.mark.parametrize(
    ("heading", "kind"), [("rollout status", RolloutView), ("rollout history", tuple[PastView, ...])]
)
def test_documents_of_rollouts_are_documented(repository: Path, heading: str, kind: Any) -> None:
    """Programs are written after the page: its examples are documents, with exactly their keys."""
    text = (repository / "docs" / "rollout-commands.md").read_text()
    example = text.split(f"### `{heading} --json`")[1].split("```json\n")[1].split("```")[0]
    read = msgspec.json.decode(example, type=kind)
    assert msgspec.json.decode(msgspec.json.encode(read)) == msgspec.json.decode(example)
