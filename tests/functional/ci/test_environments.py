"""`llmctl ci environments` in a checkout."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.errors import ExitCode

_SHIPPED = Path(__file__).parents[3] / "environments"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the shipped environment files."""
    repository = tmp_path / "repository"
    shutil.copytree(_SHIPPED, repository / "environments")
    monkeypatch.chdir(repository)
    monkeypatch.delenv("LLMCTL_ENVIRONMENTS", raising=False)
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    _git("init", "-b", "main")
    _commit()
    return repository


def _git(*arguments: str) -> None:
    settings = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *settings, *arguments], check=True, capture_output=True)


def _commit() -> None:
    _git("add", "-A")
    _git("commit", "-m", "change")


def test_a_matrix_of_what_changed(
    checkout: Path, llmctl: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The next job gets a JSON list of what changed, without the embedded cloud's environments."""
    for name in ("local", "staging"):
        with (checkout / "environments" / f"{name}.yaml").open("a") as file:
            file.write("# changed\n")
    _commit()
    assert llmctl("ci", "environments", "--base", "HEAD^1") == ExitCode.OK
    assert json.loads(capsys.readouterr().out) == ["staging"]
    assert (tmp_path / "output").read_text() == 'environments=["staging"]\n'
    assert llmctl("ci", "environments", "--base", "HEAD^1", "--all") == ExitCode.OK
    assert json.loads(capsys.readouterr().out) == ["local", "staging"]


def test_nothing_to_compare_with(
    checkout: Path, llmctl: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """A schedule looks at every environment."""
    assert llmctl("ci", "environments") == ExitCode.OK
    assert json.loads(capsys.readouterr().out) == ["production", "staging"]


def test_a_removed_file_is_told(
    checkout: Path, llmctl: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """An environment without a file would be billed on unseen."""
    (checkout / "environments" / "staging.yaml").unlink()
    _commit()
    assert llmctl("ci", "environments", "--base", "HEAD^1", "--json") == ExitCode.OK
    told = capsys.readouterr()
    assert json.loads(told.out) == {"environments": [], "removed": ["staging"]}
    assert "destroy it" in told.err
