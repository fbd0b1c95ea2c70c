"""The run directory: one user at a time, and an honest record of what was started."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from infra.errors import ExitCode, LlmctlError
from infra.paths import state_directory
from infra.terraform.directory import RunDirectory


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    """A run directory that doesn't exist yet."""
    return RunDirectory("staging", root=tmp_path / "run")


def test_it_is_below_the_state_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each environment has its own, where the user keeps state."""
    monkeypatch.setenv("LLMCTL_STATE_DIR", str(tmp_path))
    assert RunDirectory("staging").root == state_directory() / "environments" / "staging" / "run"


def test_it_is_private(directory: RunDirectory) -> None:
    """Plans may hold secrets: nobody else gets in."""
    with directory:
        assert stat.S_IMODE(directory.root.stat().st_mode) == 0o700


def test_a_second_user_is_refused_and_told_who_is_first(directory: RunDirectory) -> None:
    """Two commands must not write the same configuration and plan."""
    with directory, pytest.raises(LlmctlError) as caught, RunDirectory("staging", root=directory.root):
        pass
    assert caught.value.code is ExitCode.CONFLICT
    assert f"(process {os.getpid()}" in caught.value.message


def test_it_is_free_again_afterwards(directory: RunDirectory) -> None:
    """The hold ends with the context."""
    with directory:
        pass
    with directory:
        pass


def test_a_finished_operation_leaves_no_record(directory: RunDirectory) -> None:
    """Only what never ended is suspect."""
    with directory:
        operation = directory.begin(os.getpid(), "bucket/key")
        assert directory.unfinished() == (operation,)
        directory.finish(operation)
        assert directory.unfinished() == ()


def test_a_dead_operation_is_settled_at_once(directory: RunDirectory) -> None:
    """A process that is gone, or whose number another one has, is not waited for."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    told: list[str] = []
    with directory:
        operation = directory.begin(child.pid, "bucket/key")
        child.communicate(b"\n")
        assert directory.settle(told.append) == (operation,)
    assert told == []


def test_a_living_operation_is_waited_for(directory: RunDirectory) -> None:
    """A Terraform that still writes its state gets the time for it, and the user learns why it takes long."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        child.communicate(b"\n")

    with directory:
        directory.begin(child.pid, "bucket/key")
        directory.settle(tell)
    assert child.returncode == 0
    assert f"process {child.pid}" in told[0]
