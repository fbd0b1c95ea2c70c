"""Whatever kills llmctl or Terraform in the middle of an apply, the next command completes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.errors import ExitCode
from infra.terraform.directory import RunDirectory
from infra.terraform.events import Event, Notice
from infra.terraform.lock import Operation
from infra.terraform.process import kill_group
from infra.terraform.runner import Backend, Terraform
from tests.functional.terraform.stack import write_stack

pytestmark = pytest.mark.terraform
_ROOT = Path(__file__).parents[3]
_PATIENCE = 90.0


class Llmctl:
    """A running driver."""

    def __init__(self, directory: RunDirectory, backend: Backend, variables: dict[str, str]) -> None:
        self.output = directory.root.parent / "driver.log"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.functional.terraform.driver",
                    str(directory.root),
                    backend.bucket,
                    backend.key,
                    backend.region,
                ],
                cwd=_ROOT,
                env=variables,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_for(self, text: str) -> None:
        """Wait until it has said something."""
        _until(lambda: text in self.output.read_text(), lambda: self.output.read_text())

    def kill(self) -> None:
        """SIGKILL, and reap."""
        self.process.kill()
        self.process.wait(10)


@pytest.fixture
def llmctl(
    directory: RunDirectory, backend: Backend, variables: dict[str, str], tmp_path: Path
) -> Iterator[Llmctl]:
    """A driver that is in the middle of an apply whose slow resource takes longer than any test."""
    write_stack(directory, prefix=tmp_path.name, seconds=300)
    yield from _in_the_middle(directory, backend, variables)


@pytest.fixture
def llmctl_at_start(
    directory: RunDirectory, backend: Backend, variables: dict[str, str], tmp_path: Path
) -> Iterator[Llmctl]:
    """Like `llmctl`, but nothing was created yet: a killed Terraform loses what its state does not have."""
    write_stack(directory, prefix=tmp_path.name, seconds=300, slow_first=True)
    yield from _in_the_middle(directory, backend, variables)


def _in_the_middle(directory: RunDirectory, backend: Backend, variables: dict[str, str]) -> Iterator[Llmctl]:
    driver = Llmctl(directory, backend, variables)
    started: tuple[Operation, ...] = ()
    try:
        driver.wait_for("ApplyStarted(address='terraform_data.slow'")
        started = directory.unfinished()
        yield driver
    finally:
        driver.kill()
        for operation in started:
            kill_group(operation.pid, signal.SIGKILL)


@pytest.fixture
def go_on(
    directory: RunDirectory,
    backend: Backend,
    variables: dict[str, str],
    tmp_path: Path,
    heard: list[Event],
) -> Callable[[], None]:
    """The next command: applies the stack, and proves that nothing is left to do."""

    def run() -> None:
        write_stack(directory, prefix=tmp_path.name, seconds=0.1)
        with Terraform(
            tmp_path / "none.yaml", "tiny", variables, heard.append, directory=directory
        ) as terraform:
            terraform.init(backend)
            terraform.apply(terraform.plan())
            assert not terraform.plan().has_changes
        assert directory.unfinished() == ()

    return run


def test_sigkill_of_llmctl_lets_terraform_stop_and_the_next_command_completes(
    llmctl: Llmctl, directory: RunDirectory, go_on: Callable[[], None], heard: list[Event]
) -> None:
    """Terraform survives its llmctl just long enough to write its state and to release its lock."""
    (operation,) = directory.unfinished()
    assert _group(operation.pid)
    llmctl.kill()
    _until(lambda: not _group(operation.pid), lambda: str(_group(operation.pid)))
    go_on()
    assert not [event for event in heard if isinstance(event, Notice) and "releasing its lock" in event.text]


def test_next_command_waits_for_a_terraform_that_is_still_stopping(
    llmctl: Llmctl, go_on: Callable[[], None]
) -> None:
    """A command that comes right after the kill neither fails nor works beside the old Terraform."""
    llmctl.kill()
    go_on()


def test_sigkill_of_both_leaves_a_lock_that_the_next_command_releases(
    llmctl_at_start: Llmctl,
    directory: RunDirectory,
    backend: Backend,
    variables: dict[str, str],
    go_on: Callable[[], None],
    heard: list[Event],
) -> None:
    """With Terraform killed too, its lock has no holder: it is recognised as ours, and released."""
    (operation,) = directory.unfinished()
    llmctl_at_start.process.send_signal(signal.SIGSTOP)  # so that it can't see Terraform's end
    os.kill(operation.pid, signal.SIGKILL)
    llmctl_at_start.kill()
    go_on()
    assert [event for event in heard if isinstance(event, Notice) and "releasing its lock" in event.text]
    assert _group(operation.pid) == []


def test_interrupt_is_passed_on_once_and_leaves_no_lock(
    llmctl: Llmctl, go_on: Callable[[], None], heard: list[Event]
) -> None:
    """Ctrl-C: Terraform stops gracefully, llmctl says so, and the next command needs no unlocking."""
    llmctl.process.send_signal(signal.SIGINT)
    assert llmctl.process.wait(60) == ExitCode.FAILED
    said = llmctl.output.read_text()
    assert "interrupted: Terraform finishes what is in flight" in said
    assert "its state is written and its lock released" in said
    go_on()
    assert not [event for event in heard if isinstance(event, Notice) and "releasing its lock" in event.text]


def test_second_interrupt_kills_and_says_so(
    llmctl_at_start: Llmctl, directory: RunDirectory, go_on: Callable[[], None]
) -> None:
    """Who interrupts twice gets an end at once, the truth about it, and a next command that works."""
    (operation,) = directory.unfinished()
    os.kill(operation.pid, signal.SIGSTOP)  # a Terraform that doesn't react
    llmctl_at_start.process.send_signal(signal.SIGINT)
    llmctl_at_start.wait_for("interrupted: Terraform finishes")
    llmctl_at_start.process.send_signal(signal.SIGINT)
    assert llmctl_at_start.process.wait(30) == ExitCode.OUTCOME_UNKNOWN
    assert _group(operation.pid) == []
    go_on()


def test_a_second_llmctl_on_the_same_environment_is_refused(
    llmctl: Llmctl, directory: RunDirectory, backend: Backend, variables: dict[str, str]
) -> None:
    """Two commands of one machine don't share a run directory; the second learns who is at work."""
    second = Llmctl(directory, backend, variables)
    assert second.process.wait(30) == ExitCode.CONFLICT
    assert f"(process {llmctl.process.pid}" in second.output.read_text()


def _group(group: int) -> list[int]:
    """Terraform's living processes in a group: it and its providers."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split() if entry.name.isdigit() else []
        except (FileNotFoundError, ProcessLookupError):
            continue
        terraform = bool(stat) and "terraform" in (entry / "cmdline").read_text()
        if terraform and stat[2] == str(group) and stat[0] != "Z":
            found.append(int(entry.name))
    return found


def _until(condition: Callable[[], bool], explain: Callable[[], str]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.05)
