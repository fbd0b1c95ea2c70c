"""The workflows' own scripts, run by bash as GitHub runs them, with stubs for llmctl and gh."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fakes import workflows

_STUB = """#!/bin/sh
for word in "$@"; do printf '<%s>' "$word" >> {log}; done
echo >> {log}
echo "what {name} says"
exit $(cat {code})
"""


@dataclass
class Step:
    """A place to run a step of a workflow in."""

    folder: Path
    codes: dict[str, int] = field(default_factory=dict)

    def run(self, workflow: str, job: str, calls: str, **variables: str) -> int:
        """The exit code of the job's step that calls that; commands are stubs."""
        (self.folder / "script").write_text(workflows.step(workflow, job, calls))
        for name in ("llmctl", "gh"):
            self._stub(name)
        inherited = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "HOME": str(self.folder)}
        told = {"GITHUB_STEP_SUMMARY": str(self.folder / "summary"), "GITHUB_RUN_ID": "42"}
        return subprocess.run(
            [*workflows.SHELL, self.folder / "script"],
            cwd=self.folder,
            env={**inherited, **told, **variables},
            capture_output=True,
            check=False,
        ).returncode

    def calls(self) -> list[str]:
        """What was called, with each argument in angle brackets."""
        log = self.folder / "llmctl.log"
        return log.read_text().splitlines() if log.exists() else []

    def _stub(self, name: str) -> None:
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        code = self.folder / f"{name}.code"
        code.write_text(str(self.codes.get(name, 0)))
        path.write_text(_STUB.format(log=self.folder / f"{name}.log", code=code, name=name))
        path.chmod(0o755)


@pytest.fixture
def step(tmp_path: Path) -> Step:
    """An empty folder."""
    return Step(tmp_path)


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (2, 0), (1, 1), (6, 1)])
def test_a_plan_with_changes_is_no_failure(step: Step, code: int, expected: int) -> None:
    """`plan` ends with 2 when there are changes: the job goes on, and fails for all else."""
    step.codes["llmctl"] = code
    assert step.run("plan", "plan", "llmctl plan", ENVIRONMENT="staging") == expected
    assert step.calls() == ["<plan><--env><staging><--out><staging.llmctl-plan><--markdown>"]
    assert (step.folder / "summary").read_text() == "what llmctl says\n"


@pytest.mark.parametrize(
    ("code", "expected", "then"),
    [
        (0, 0, "<ci><issue><--env><staging><--close>"),
        (2, None, "<ci><issue><--env><staging><--body><drift.md>"),
        (6, 6, None),
    ],
)
def test_drift_becomes_an_issue(step: Step, code: int, expected: int | None, then: str | None) -> None:
    """2 is drift, 0 is none, and a look that failed must neither open nor close anything."""
    step.codes["llmctl"] = code
    ended = step.run("drift", "drift", "llmctl drift", ENVIRONMENT="staging")
    assert expected is None or ended == expected
    assert step.calls() == ["<drift><--env><staging>", *([then] if then else [])]


def test_upgrade_passes_on_what_was_typed(step: Step) -> None:
    """Settings are words, whatever is in them: nothing is expanded or run, no option smuggled in."""
    (step.folder / "a-file").touch()
    typed = {"SETTINGS": "engine.version=v1  x=* y=$(touch z)", "STEPS": "5,100", "BAKE": ""}
    assert (
        step.run("upgrade", "upgrade", "llmctl upgrade", ENVIRONMENT="staging", MODEL="--force", **typed) == 0
    )
    assert step.calls() == [
        "<upgrade><--env><staging><--set><engine.version=v1><--set><x=*><--set><y=$(touch><--set><z)>"
        "<--steps><5,100><--yes><--><--force>"
    ]
    assert not (step.folder / "z").exists()


@pytest.mark.parametrize(("again", "expected"), [("staging", 0), ("stagin", 1), ("", 1)])
def test_destroy_wants_the_same_name_twice(step: Step, again: str, expected: int) -> None:
    """A slip of the pen must not take an environment down."""
    assert step.run("destroy", "confirm", "differ", ENVIRONMENT="staging", AGAIN=again) == expected


@pytest.mark.parametrize(("unreviewed", "option"), [("true", "<--unreviewed>"), ("", "")])
def test_reviews_are_needed_unless_told(step: Step, unreviewed: str, option: str) -> None:
    """Only a variable that somebody set lets a plan pass that nobody approved."""
    assert step.run("deploy", "deploy", "ci approved", ENVIRONMENT="prod", UNREVIEWED=unreviewed) == 0
    assert step.calls() == [f"<ci><approved><--env><prod><--out><prod.llmctl-plan>{option}"]


def _git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    command = ["git", *settings, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("changed", [True, False])
def test_upgrade_leaves_its_change_on_a_branch(step: Step, tmp_path: Path, changed: bool) -> None:
    """What an upgrade wrote into the file is pushed for a pull request, and only when there is something."""
    origin = tmp_path / "origin.git"
    _git(tmp_path, "init", "--bare", str(origin))
    step.folder = tmp_path / "work"
    _git(tmp_path, "clone", str(origin), "work")
    file = step.folder / "environments" / "staging.yaml"
    file.parent.mkdir()
    file.write_text("version: 1\n")
    _git(step.folder, "add", "environments")
    _git(step.folder, "commit", "-m", "first")
    if changed:
        file.write_text("version: 2\n")
    variables = {"ENVIRONMENT": "staging", "MODEL": "chat", "COMPARE": "https://github.com/o/r/compare"}
    assert step.run("upgrade", "upgrade", "git push", **variables) == 0
    branches = _git(origin, "branch", "--list").split()
    assert branches == (["upgrade-staging-42"] if changed else [])
    if changed:
        assert _git(origin, "show", "upgrade-staging-42:environments/staging.yaml") == "version: 2\n"
        assert "/compare/upgrade-staging-42?expand=1" in (step.folder / "summary").read_text()
