"""Processes die with their parent, are found by their marks, and only those are killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.embedded import processes

SLEEP = ["sleep", "1000"]
PARENT = """
import sys, time
from pathlib import Path
from infra.embedded import processes
child = processes.spawn(
    ["sleep", "1000"], environment={"PATH": "/usr/bin:/bin"}, directory=Path("/"), output=-3
)
print(child.pid, flush=True)
time.sleep(1000)
"""


def until(condition: Callable[[], object]) -> None:
    """Poll for up to ten seconds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_child_dies_with_its_parent() -> None:
    """SIGKILL to the parent alone ends the child, though it has a session of its own."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert processes.start_time(child) is not None
        parent.kill()
    until(lambda: processes.start_time(child) is None)


def test_a_child_whose_parent_is_gone_does_not_start() -> None:
    """The launcher gives up when the parent died before it could ask for the signal."""
    command = list(processes.dying_with_parent(["echo", "started"]))
    command[command.index(str(os.getpid()))] = "999999999"
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is gone" in done.stderr


def test_only_the_main_thread_may_start_processes(tmp_path: Path) -> None:
    """A child started from another thread would be killed when that thread ends: refused."""
    caught: list[BaseException] = []

    def attempt() -> None:
        try:
            processes.spawn(SLEEP, environment={}, directory=tmp_path, output=subprocess.DEVNULL)
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    assert "main thread" in str(caught[0])


def test_missing_programs_end_as_in_a_shell(tmp_path: Path) -> None:
    """A program that isn't there is status 127 with a message, not a traceback."""
    output = tmp_path / "output"
    with output.open("wb") as file:
        process = processes.spawn(["no-such-program"], environment={}, directory=tmp_path, output=file)
    assert process.wait(10) == 127
    assert output.read_text() == "no-such-program: command not found\n"


def test_marked_processes_and_no_others_are_killed(tmp_path: Path) -> None:
    """A mark finds detached grandchildren; a mark that merely begins the same is another's."""
    mark, other = str(tmp_path / "i-1"), str(tmp_path / "i-10")
    detached = subprocess.run(
        ["sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 & echo $!"],
        env={**os.environ, "MARK": mark},
        capture_output=True,
        text=True,
        check=True,
    )
    with subprocess.Popen(SLEEP, env={**os.environ, "MARK": other}) as stranger:
        try:
            until(lambda: processes.marked("MARK", mark) == [int(detached.stdout)])
            assert processes.kill_marked("MARK", mark) == []
            assert processes.marked("MARK", mark) == []
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_identity(tmp_path: Path) -> None:
    """Start time and environment tell a process; a dead one has neither, even before it is collected."""
    with subprocess.Popen(SLEEP, env={**os.environ, "MARK": "x=y"}) as process:
        until(lambda: processes.environment_value(process.pid, "MARK") == "x=y")
        assert processes.start_time(process.pid) is not None
        assert processes.send(process.pid, signal.SIGKILL)
        until(lambda: processes.start_time(process.pid) is None)
    assert processes.environment_value(process.pid, "MARK") is None
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
    assert not processes.send(process.pid, signal.SIGKILL)
