"""Runs services as systemd would: starts, watches, restarts and stops them.

Where systemd has a control group for each run of a service, there is a mark here: INVOCATION_ID, which
systemd sets as well, identifies the processes of one run. Service files are read at every start, so
`daemon-reload` has nothing to do.
"""

import asyncio
import os
import signal
import time
import uuid
from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import IO

from infra.embedded import processes
from infra.embedded.image import children, console, units
from infra.embedded.image.units import KillMode, Restart, Unit, UnitError

_MARK = "INVOCATION_ID"
_POLL_SECONDS = 0.05
_CLEAN_SIGNALS = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE}
_UNIT_FOLDERS = ("etc/systemd/system", "usr/lib/systemd/system")


class State(StrEnum):
    """What `systemctl is-active` says."""

    ACTIVE = "active"
    ACTIVATING = "activating"
    DEACTIVATING = "deactivating"
    FAILED = "failed"
    INACTIVE = "inactive"


class Service:
    """One service: at most one run at a time."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self.state = State.INACTIVE
        self._root = root
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._unit: Unit | None = None
        self._invocation = ""

    def start(self) -> None:
        """Start it unless it runs; raises UnitError or OSError when its file can't be used."""
        if self._task is not None and not self._task.done():
            return
        self._unit = load(self._root, self.name)
        for warning in self._unit.warnings:
            console.write("systemd", warning)
        environment = _environment(self._root, self._unit)
        self.state = State.ACTIVATING
        self._task = asyncio.create_task(self._supervise(self._unit, environment))

    async def stop(self) -> None:
        """Stop it: SIGTERM, and SIGKILL to what is left after the service's stop time."""
        if self._task is None or self._unit is None:
            return
        self.state = State.DEACTIVATING
        await self._end_run(self._unit)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.to_thread(processes.kill_marked, _MARK, self._invocation)
        self._task = None
        self.state = State.INACTIVE
        console.write("systemd", f"Stopped {self.name}.")

    async def _supervise(self, unit: Unit, environment: Mapping[str, str]) -> None:
        starts: deque[float] = deque(maxlen=max(1, unit.start_limit_burst))
        while True:
            if _starts_too_often(unit, starts, time.monotonic()):
                console.write("systemd", f"{self.name}: Start request repeated too quickly.")
                self.state = State.FAILED
                return
            starts.append(time.monotonic())
            code = await self._run_once(unit, environment)
            if self.state is State.DEACTIVATING:
                return
            console.write("systemd", f"{self.name}: Main process exited, {_describe(code)}")
            await self._end_run(unit)
            if not restarts(unit.restart, code):
                self.state = State.INACTIVE if is_clean(code) else State.FAILED
                return
            self.state = State.ACTIVATING
            await asyncio.sleep(unit.restart_seconds)

    async def _run_once(self, unit: Unit, environment: Mapping[str, str]) -> int:
        self._invocation = uuid.uuid4().hex
        full = {**environment, _MARK: self._invocation}
        command = resolve(self._root, unit.expanded(full))
        directory = _inside(self._root, unit.working_directory or "/")
        log = self._root / "var/log" / f"{self.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab", buffering=0) as file:
            process, copying = await children.start(
                command, environment=full, directory=directory, on_output=lambda chunk: self._say(file, chunk)
            )
            self._process = process
            self.state = State.ACTIVE
            console.write("systemd", f"Started {self.name}, process {process.pid}.")
            try:
                return await children.ended(process, copying)
            finally:
                copying.cancel()

    def _say(self, log: IO[bytes], chunk: bytes) -> None:
        log.write(chunk)
        console.write(self.name, chunk.decode(errors="replace"))

    async def _end_run(self, unit: Unit) -> None:
        main = self._process
        alone = unit.kill_mode is KillMode.MIXED and main is not None and main.returncode is None
        pids = [main.pid] if alone and main is not None else self._pids()
        for pid in pids:
            processes.send(pid, signal.SIGTERM)
        deadline = time.monotonic() + unit.stop_seconds
        while self._pids() and time.monotonic() < deadline:
            if alone and main is not None and main.returncode is not None:
                break
            await asyncio.sleep(_POLL_SECONDS)
        await asyncio.to_thread(processes.kill_marked, _MARK, self._invocation)

    def _pids(self) -> list[int]:
        return processes.marked(_MARK, self._invocation) if self._invocation else []


class Supervisor:
    """The services of an instance, by name."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._services: dict[str, Service] = {}

    def service(self, name: str) -> Service:
        """The service of that name, known or not yet."""
        full = name if name.endswith(".service") else f"{name}.service"
        return self._services.setdefault(full, Service(self._root, full))

    async def stop_all(self) -> None:
        """Stop every service, all at the same time."""
        await asyncio.gather(*(service.stop() for service in self._services.values()))


def load(root: Path, name: str) -> Unit:
    """Read a service's file below the root; raises UnitError when there is none or it can't be run here."""
    for folder in _UNIT_FOLDERS:
        path = root / folder / name
        if path.is_file():
            return units.parse(name, path.read_text())
    raise UnitError(f"Unit {name} not found.")


def restarts(policy: Restart, code: int) -> bool:
    """Whether a service with this policy starts again after this return code (negative: a signal)."""
    return policy is Restart.ALWAYS or (policy is Restart.ON_FAILURE and not is_clean(code))


def is_clean(code: int) -> bool:
    """Whether systemd counts this return code (negative: a signal) as a success."""
    return code == 0 or -code in _CLEAN_SIGNALS


def resolve(root: Path, command: list[str]) -> list[str]:
    """The command with its program found where the instance has it: below the root, or in the image.

    An absolute path that exists below the root is meant; one to a program that the image has under another
    path (/usr/bin/docker) is looked up on the PATH by its name.
    """
    program, *arguments = command
    if program.startswith("/") and not Path(program).is_relative_to(root):
        inside = _inside(root, program)
        program = str(inside) if inside.exists() else Path(program).name
    return [program, *arguments]


def _starts_too_often(unit: Unit, starts: "deque[float]", now: float) -> bool:
    if unit.start_limit_burst <= 0 or len(starts) < unit.start_limit_burst:
        return False
    return now - starts[0] < unit.start_limit_seconds


def _environment(root: Path, unit: Unit) -> dict[str, str]:
    environment = {**os.environ, **unit.environment}
    for path, required in unit.environment_files:
        file = _inside(root, path)
        if file.is_file():
            environment |= units.parse_environment_file(file.read_text())
        elif required:
            raise UnitError(f"{unit.name}: EnvironmentFile={path} does not exist")
    return environment


def _inside(root: Path, path: str) -> Path:
    expanded = path.replace("${INSTANCE_ROOT}", "")
    given = Path(expanded)
    return given if given.is_relative_to(root) else root / expanded.lstrip("/")


def _describe(code: int) -> str:
    return f"code=exited, status={code}" if code >= 0 else f"code=killed, signal={signal.Signals(-code).name}"
