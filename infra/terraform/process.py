"""Runs one Terraform process to its end and passes on what it says, whatever happens to either of the two.

Terraform writes to a file that is followed here, not to a pipe: when this process is killed, a pipe would
kill Terraform too, at its next word and before it has written its state. It runs in a process group of its
own, so that a terminal's Ctrl-C reaches it once, through us; the group also collects provider processes
that outlive it.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

_LAUNCHER = Path(__file__).with_name("launch.py")
_FOLLOW_SECONDS = 0.05


@dataclass(frozen=True)
class Ended:
    """How the process ended."""

    code: int
    """Its exit code; negative: the signal that killed it."""
    interruptions: int
    """How often it was asked to stop: once gently, the second time by force."""


@dataclass(frozen=True)
class Listener:
    """Who hears what while the process runs."""

    started: Callable[[int], None]
    """Called with the process id."""
    line: Callable[[str], None]
    interrupted: Callable[[int], None]
    """Called with the number of interruptions so far."""


def follow(
    command: Sequence[str], *, directory: Path, environment: Mapping[str, str], log: Path, listener: Listener
) -> Ended:
    """Run the command in a directory, line by line, until it ends.

    SIGINT and SIGTERM are forwarded as one SIGINT; a second one kills the whole process group.
    """
    descriptor = os.open(log, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as writer, log.open(errors="replace") as reader:
        child = start(command, directory=directory, environment=environment, output=writer)
        asked = 0

        def stop(number: int, frame: FrameType | None) -> None:
            nonlocal asked
            asked += 1
            kill_group(child.pid, signal.SIGKILL) if asked > 1 else child.send_signal(signal.SIGINT)
            listener.interrupted(asked)

        with _handling(stop):
            listener.started(child.pid)
            for line in _lines(reader, child):
                listener.line(line)
        if child.returncode < 0:
            kill_group(child.pid, signal.SIGKILL)
        return Ended(child.returncode, asked)


def start(
    command: Sequence[str], *, directory: Path, environment: Mapping[str, str], output: IO[str] | int
) -> subprocess.Popen[str]:
    """Start the command so that it is interrupted when this process (strictly: this thread) dies."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), *command],
        cwd=directory,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        process_group=0,
        text=True,
    )


def kill_group(group: int, number: signal.Signals) -> bool:
    """Send a signal to a process group; false when there is nobody left in it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


def _lines(reader: IO[str], child: subprocess.Popen[str]) -> Iterator[str]:
    pending = ""
    while True:
        ended = child.poll() is not None
        pending += reader.read()
        *complete, pending = pending.split("\n")
        yield from complete
        if ended:
            break
        time.sleep(_FOLLOW_SECONDS)
    if pending:
        yield pending


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle SIGINT and SIGTERM for a while; only the main thread may, elsewhere nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)
