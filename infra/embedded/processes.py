"""Starting, finding and ending the embedded cloud's processes.

Two things make sure that nothing is left behind. Every child asks the kernel to be killed with its parent
(`spawn`). And every process carries marks in its environment (its cloud, its instance, its service), so that
those which slipped out of their family - by daemonising, or by a parent that died first - are still found
(`marked`) and ended (`kill_marked`). Only marked processes are ever signalled, always by process id.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from infra.embedded import launcher

CLOUD_MARK = "EMBEDDED_CLOUD"
"""Environment variable of every process of a cloud: the cloud's folder."""
INSTANCE_MARK = "INSTANCE_ROOT"
"""Environment variable of every process of an instance: the instance's root folder."""

_SWEEP_PAUSE = 0.02


def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    output: int | IO[bytes],
    death_signal: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own that gets `death_signal` when this process dies.

    Only from the main thread: the kernel sends the signal when the creating *thread* ends.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("processes must be started from the main thread, whose end is the process's end")
    return subprocess.Popen(
        dying_with_parent(command, death_signal),
        env=dict(environment),
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def dying_with_parent(
    command: Sequence[str], death_signal: signal.Signals = signal.SIGKILL
) -> tuple[str, ...]:
    """The command line that runs `command` bound to this process's life."""
    return (
        sys.executable,
        "-I",
        "-S",
        launcher.__file__,
        str(os.getpid()),
        str(int(death_signal)),
        *command,
    )


def marked(name: str, value: str) -> list[int]:
    """Ids of the live processes whose environment has `name` set to `value`; never this one."""
    needle = f"{name}={value}".encode()
    own = os.getpid()
    return [pid for pid in _pids() if pid != own and needle in _environment_block(pid)]


def kill_marked(name: str, value: str, *, deadline_seconds: float = 5.0) -> list[int]:
    """SIGKILL every process with the mark, again until none is left: they may be forking meanwhile.

    Returns the ids of those still there at the deadline (the kernel may take a while over a process in I/O).
    """
    deadline = time.monotonic() + deadline_seconds
    while pids := marked(name, value):
        for pid in pids:
            send(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return pids
        time.sleep(_SWEEP_PAUSE)
    return []


def send(pid: int, number: signal.Signals) -> bool:
    """Signal one process; False if it is gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def children(parent: int) -> list[int]:
    """Ids of the processes that a process has started and not lost."""
    return [pid for pid in _pids() if _parent(pid) == parent]


def descendants(ancestor: int) -> list[int]:
    """Children, their children, and so on."""
    parents = {pid: _parent(pid) for pid in _pids()}
    found: list[int] = []
    front = [ancestor]
    while front:
        front = [pid for pid, parent in parents.items() if parent in front]
        found += front
    return found


def environment_value(pid: int, name: str) -> str | None:
    """A variable in the environment that a process was started with; None if absent or not readable."""
    prefix = f"{name}=".encode()
    for item in _environment_block(pid):
        if item.startswith(prefix):
            return item[len(prefix) :].decode(errors="surrogateescape")
    return None


def start_time(pid: int) -> int | None:
    """When a live process started, in clock ticks since boot; with the id it names a process for good."""
    fields = _stat(pid)
    return None if fields is None or fields[0] in "ZX" else int(fields[19])


def _pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _parent(pid: int) -> int | None:
    fields = _stat(pid)
    return None if fields is None else int(fields[1])


def _stat(pid: int) -> list[str] | None:
    """From the state on; None if the process is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command's name may hold blanks and parentheses; what follows the last one is regular.
    return stat.rpartition(")")[2].split()


def _environment_block(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as block:
            return block.read().split(b"\0")
    except OSError:  # gone, or another user's
        return []
