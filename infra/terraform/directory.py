"""The run directory: one folder for each environment, used by one llmctl at a time.

It holds what Terraform needs (configuration, plugin links, plan) and a record of each Terraform process
that was started, written before that process can take the state's lock and removed when it ends. A record
that is still there tells the next command what a killed one left behind. Nothing in here is secret but a
plan, which is unreadable for others and removed once applied.
"""

import fcntl
import getpass
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self

from infra.errors import ExitCode, LlmctlError
from infra.paths import state_directory
from infra.terraform.lock import Operation

_FINISH_SECONDS = 120.0
_POLL_SECONDS = 0.1


class RunDirectory:
    """One environment's run directory, held while it is used as a context."""

    def __init__(self, environment: str, *, root: Path | None = None) -> None:
        self.environment = environment
        self.root = root or state_directory() / "environments" / environment / "run"
        self._held: IO[str] | None = None

    @property
    def synthesized(self) -> Path:
        """Where the stack's Terraform JSON is written."""
        return self.root / "synth"

    @property
    def stack(self) -> Path:
        """Terraform's working directory: the synthesized stack, with its assets."""
        return self.synthesized / "stacks" / self.environment

    @property
    def data(self) -> Path:
        """Terraform's own data (plugin links, backend settings)."""
        return self.root / "data"

    @property
    def plan(self) -> Path:
        """The plan that is about to be applied."""
        return self.root / "plan.tfplan"

    def log(self, operation: str) -> Path:
        """What Terraform said in the latest operation of that kind."""
        return self.root / f"{operation}.jsonl"

    def __enter__(self) -> Self:
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root.chmod(0o700)
        self._operations.mkdir(exist_ok=True, mode=0o700)
        self._held = self._hold()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._held:
            self._held.close()
        self._held = None

    def begin(self, pid: int, state: str) -> Operation:
        """Record a Terraform process before it can take the lock of `state` (bucket/key)."""
        operation = Operation(
            pid=pid,
            ticks=_ticks(pid) or 0,
            who=f"{getpass.getuser()}@{socket.gethostname()}",
            state=state,
            since=datetime.now(UTC),
            command=_command(),
        )
        document = asdict(operation) | {"since": operation.since.isoformat()}
        self._record(operation).write_text(json.dumps(document))
        return operation

    def finish(self, operation: Operation) -> None:
        """Forget an operation whose process has ended by itself."""
        self._record(operation).unlink(missing_ok=True)

    def unfinished(self) -> tuple[Operation, ...]:
        """Operations whose llmctl did not see the end."""
        return tuple(_read(path) for path in sorted(self._operations.glob("*.json")))

    def settle(self, tell: Callable[[str], None]) -> tuple[Operation, ...]:
        """Wait for what a killed llmctl left running, and return its operations, none of them alive.

        A Terraform whose llmctl died was interrupted and is finishing. One that doesn't finish is killed, and
        so are provider processes that lost their Terraform.
        """
        left = self.unfinished()
        for operation in left:
            if _alive(operation):
                tell(
                    f"waiting for a Terraform left behind by `{operation.command}` (process {operation.pid})"
                )
                _await_end(operation)
            for pid in _remains(operation):
                tell(f"ending process {pid}, left behind by `{operation.command}`")
                os.kill(pid, signal.SIGKILL)
        return left

    @property
    def _operations(self) -> Path:
        return self.root / "operations"

    def _record(self, operation: Operation) -> Path:
        return self._operations / f"{operation.pid}-{operation.ticks}.json"

    def _hold(self) -> IO[str]:
        held = (self.root / "held-by").open("a+")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            holder = held.read().strip() or "another llmctl"
            held.close()
            raise LlmctlError(
                f"{self.environment} is in use on this machine by {holder}",
                hint="wait until it is done",
                code=ExitCode.CONFLICT,
            ) from None
        held.truncate(0)
        held.write(f"`{_command()}` (process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC)")
        held.flush()
        return held


def _command() -> str:
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])


def _read(path: Path) -> Operation:
    raw = json.loads(path.read_text())
    return Operation(**raw | {"since": datetime.fromisoformat(raw["since"])})


def _await_end(operation: Operation) -> None:
    deadline = time.monotonic() + _FINISH_SECONDS
    while _alive(operation) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _alive(operation: Operation) -> bool:
    return operation.ticks != 0 and _ticks(operation.pid) == operation.ticks


def _remains(operation: Operation) -> list[int]:
    """The operation's process and its providers, found by process group.

    The group's number may belong to someone else by now, so a member counts only if it is the very process
    that was recorded, or a Terraform program that is younger.
    """
    found = []
    for entry in Path("/proc").iterdir():
        stat = _stat(entry.name)
        if stat is None or stat[0] == "Z" or int(stat[2]) != operation.pid:
            continue
        leader = int(entry.name) == operation.pid and int(stat[19]) == operation.ticks
        if leader or (int(stat[19]) >= operation.ticks and _name(entry).startswith("terraform")):
            found.append(int(entry.name))
    return found


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _ticks(pid: int) -> int | None:
    stat = _stat(str(pid))
    return int(stat[19]) if stat and stat[0] != "Z" else None


def _stat(pid: str) -> list[str] | None:
    """Fields of /proc/PID/stat from the state on (0: state, 2: process group, 19: start time in ticks)."""
    if not pid.isdigit():
        return None
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
