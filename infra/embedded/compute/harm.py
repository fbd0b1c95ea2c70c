"""Lets things go wrong on machines for a while, and puts them right again.

Each trouble ends by itself when its time is over, whatever became of who asked for it. A process is
identified by its id and its start: nothing that took over an id is touched.
"""

import contextlib
import resource
import signal
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from infra.embedded import processes
from infra.embedded.image.clock import OFFSET
from infra.embedded.image.containers import Containers
from infra.embedded.troubles import Trouble

SERVICE_MARK = "INVOCATION_ID"
"""What systemd sets in the environment of a service's processes."""

_PAUSED = (Trouble.ENGINE_HANG, Trouble.AGENT_HANG)


class Machine(Protocol):
    """What is used of a machine."""

    @property
    def root(self) -> Path:
        """Its root folder, also the mark of its processes."""

    @property
    def init(self) -> int:
        """The process id of its first process."""


class Metadata(Protocol):
    """What is used of the metadata service."""

    def set_outage(self, instance_id: str, *, out: bool) -> None:
        """Answer an instance nothing but 503, or what is true again."""


@dataclass
class _Lasting:
    until: float
    paused: tuple[tuple[int, int | None], ...] = ()
    """Processes that were stopped: id and start."""


@dataclass
class Harm:
    """The troubles of all machines. Times in epoch seconds; for any thread."""

    metadata: Metadata
    _lasting: dict[tuple[str, Trouble], _Lasting] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, instance_id: str, machine: Machine, trouble: Trouble, until: float, by: float) -> None:
        """Let it happen until then; once more, it lasts until the new time. `by`: seconds of skew."""
        with self._lock:
            if trouble is Trouble.AGENT_DEATH:
                _signal(_identified(_services(machine)), signal.SIGKILL)
                return
            known = self._lasting.get((instance_id, trouble))
            paused = known.paused if known else ()
            if trouble in _PAUSED:
                found = _engines(machine) if trouble is Trouble.ENGINE_HANG else _services(machine)
                paused += _identified(found)
                _signal(paused, signal.SIGSTOP)
            elif trouble is Trouble.CLOCK_SKEW:
                _skew(machine, by)
            elif trouble is Trouble.METADATA_OUTAGE:
                self.metadata.set_outage(instance_id, out=True)
            self._lasting[instance_id, trouble] = _Lasting(until, paused)

    def end(self, instance_id: str, trouble: Trouble) -> None:
        """Let the next reconcile put it right."""
        with self._lock:
            if known := self._lasting.get((instance_id, trouble)):
                known.until = 0.0

    def reconcile(self, machines: Mapping[str, Machine], now: float) -> None:
        """End what is due, fill the disks of processes that are new, forget machines that are gone."""
        with self._lock:
            for (instance_id, trouble), lasting in list(self._lasting.items()):
                machine = machines.get(instance_id)
                if machine and now < lasting.until:
                    if trouble is Trouble.FULL_DISK:
                        _limit_files(machine, full=True)
                    continue
                del self._lasting[instance_id, trouble]
                if machine:
                    self._end(instance_id, machine, trouble, lasting)

    def _end(self, instance_id: str, machine: Machine, trouble: Trouble, lasting: _Lasting) -> None:
        if trouble in _PAUSED:
            _signal(lasting.paused, signal.SIGCONT)
        elif trouble is Trouble.FULL_DISK:
            _limit_files(machine, full=False)
        elif trouble is Trouble.CLOCK_SKEW:
            (machine.root / OFFSET).unlink(missing_ok=True)
        elif trouble is Trouble.METADATA_OUTAGE:
            self.metadata.set_outage(instance_id, out=False)


def _engines(machine: Machine) -> list[int]:
    running = [container.pid for container in Containers(machine.root).all() if container.running]
    return [pid for main in running for pid in (main, *processes.descendants(main))]


def _services(machine: Machine) -> list[int]:
    children = processes.children(machine.init)
    return [pid for pid in children if processes.environment_value(pid, SERVICE_MARK)]


def _identified(pids: Iterable[int]) -> tuple[tuple[int, int | None], ...]:
    return tuple((pid, processes.start_time(pid)) for pid in pids)


def _signal(identified: Iterable[tuple[int, int | None]], number: signal.Signals) -> None:
    for pid, started in identified:
        if started is not None and processes.start_time(pid) == started:
            processes.send(pid, number)


def _skew(machine: Machine, seconds: float) -> None:
    path = machine.root / OFFSET
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(str(seconds))
    temporary.replace(path)


def _limit_files(machine: Machine, *, full: bool) -> None:
    """By a limit on the size of files: writing gives EFBIG where a full disk gives ENOSPC."""
    for pid in processes.marked(processes.INSTANCE_MARK, str(machine.root)):
        if pid == machine.init:
            continue  # writes the console
        with contextlib.suppress(ProcessLookupError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0 if full else hard, hard))
