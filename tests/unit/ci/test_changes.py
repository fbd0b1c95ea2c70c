"""Which environments a change may change."""

import subprocess
from pathlib import Path

import pytest

from infra.ci.changes import changed_environments
from infra.ci.git import changed_files
from infra.errors import LlmctlError

_NAMES = ("production", "staging")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ([], ()),
        (["environments/staging.yaml"], ("staging",)),
        (["docs/ci.md", "cli/app.py", "tests/x.py", "README.md"], ()),
        (["environments/schema.json"], ()),
        (["environments/templates/x.yaml"], _NAMES),
        (["environments/golden.jsonl"], _NAMES),
        (["modules/tags.py"], _NAMES),
        (["infra/agent/agent.py"], _NAMES),
        (["requirements.lock"], _NAMES),
        (["requirements-dev.lock"], ()),
        (["requirements-llmctl.txt"], _NAMES),
        (["deploy/environments/staging.yaml"], ()),
    ],
)
def test_what_changes_what(changed: list[str], expected: tuple[str, ...]) -> None:
    """A file changes its environment; what defines the stacks changes all; the rest changes none."""
    assert changed_environments(changed, _NAMES, "environments") == (expected, ())


def test_a_file_that_is_gone() -> None:
    """Without its file an environment can't be planned: it is told apart, for people to destroy it."""
    changed = ["environments/old.yaml", "environments/staging.yaml"]
    assert changed_environments(changed, _NAMES, "environments") == (("staging",), ("old",))


def test_folder_of_its_own() -> None:
    """A team may keep its files elsewhere in the repository."""
    assert changed_environments(["ops/llm/staging.yaml"], _NAMES, "ops/llm") == (("staging",), ())


def _git(folder: Path, *arguments: str) -> None:
    settings = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def branched(tmp_path: Path) -> Path:
    """A repository: `topic` renamed a file and added one with a space, while `main` went on."""
    _git(tmp_path, "init", "-b", "main")
    (tmp_path / "a.yaml").write_text("one: 1\n" * 20)
    _git(tmp_path, "add", "-A")
    _git(tmp_path, "commit", "-m", "first")
    _git(tmp_path, "switch", "-c", "topic")
    (tmp_path / "a.yaml").rename(tmp_path / "b.yaml")
    (tmp_path / "c d.yaml").write_text("x: 1\n")
    _git(tmp_path, "add", "-A")
    _git(tmp_path, "commit", "-m", "topic")
    _git(tmp_path, "switch", "main")
    (tmp_path / "main.yaml").write_text("x: 1\n")
    _git(tmp_path, "add", "-A")
    _git(tmp_path, "commit", "-m", "main")
    _git(tmp_path, "switch", "topic")
    return tmp_path


def test_only_what_the_branch_changed(branched: Path) -> None:
    """What happened on the base meanwhile is not this change's; both names of a renamed file are."""
    assert changed_files(branched, "main") == ("a.yaml", "b.yaml", "c d.yaml")


@pytest.mark.parametrize("base", ["0123456789abcdef0123456789abcdef01234567", "--output=x"])
def test_a_base_that_is_not_there(branched: Path, base: str) -> None:
    """A shallow checkout lacks the base: that is an error with its remedy, and never a list of nothing."""
    with pytest.raises(LlmctlError) as error:
        changed_files(branched, base)
    assert "fetch-depth" in error.value.hint
    assert not (branched / "x").exists()
