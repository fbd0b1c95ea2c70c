"""Runs the recorder beside the engine, as one engine for the agent's loop to start, watch and stop.

Clients reach the engine only through the recorder, so it is there as long as the agent is: whenever it ends
by itself it is started again at once. When the engine has ended as asked, so does the recorder, and only when
its last samples are shipped does the engine count as stopped: the instance may be taken right after.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from infra.agent.engine import DIE_WITH_PARENT
from infra.agent.machine import Work
from infra.agent.ports import Engine
from infra.agent.timing import Report
from infra.agent.timing_pipe import receive

_LOG = logging.getLogger("agent")
_ROOT = Path(__file__).parents[2]
_RUN = (
    "import sys\n"
    "sys.path.insert(0, sys.argv[1])\n"
    "from infra.agent.recorder_main import main\n"
    "sys.exit(main(sys.argv[2:]))\n"
)
_PAUSE_SECONDS = 1.0
_LAST_REPORTS_SECONDS = 2.0


@dataclass(frozen=True)
class Reports:
    """Who is told of each request that passed, and of how many nothing is known. Called from a thread."""

    take: Callable[[Report], None]
    lost: Callable[[int], None]


@dataclass(eq=False)
class RecorderProcess:
    """The recorder, kept running by a thread. `on_line` gets what it says."""

    instance_id: str
    slot: str
    on_line: Callable[[str], None]
    reports: Reports | None = None
    """None: requests are not timed."""
    _stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _process: subprocess.Popen[bytes] | None = None
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Start it, if it isn't running."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep_running, name="recorder", daemon=True)
            self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it has yet to end."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Ask it to finish, and don't start it again."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)

    def close(self, seconds: float) -> None:
        """Ask it to finish and wait for at most so long; then end it."""
        self.stop()
        if self._thread is not None:
            self._thread.join(seconds)
        self.kill()

    def _keep_running(self) -> None:
        """What the kernel watches is this thread (see `DIE_WITH_PARENT`): it lives as long as the child."""
        while spawned := self._spawn():
            process, reports = spawned
            assert process.stdout is not None
            with process.stdout:
                self._pass_on(process.stdout)
            status = process.wait()
            if reports is not None:
                reports.join(_LAST_REPORTS_SECONDS)
            if not self._stopping.is_set():
                _LOG.error("the recorder ended", extra={"fields": {"status": status}})
            self._stopping.wait(_PAUSE_SECONDS if status > 0 else 0)

    def _spawn(self) -> tuple[subprocess.Popen[bytes], threading.Thread | None] | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            if self.reports is None:
                self._process = self._run()
                return self._process, None
            there, here = os.pipe()
            try:
                self._process = self._run(here)
            finally:
                os.close(here)
            reader = threading.Thread(target=self._receive, args=(there, self.reports), daemon=True)
            reader.start()
            return self._process, reader

    def _run(self, *pipe: int) -> subprocess.Popen[bytes]:
        arguments = (self.instance_id, self.slot, *map(str, pipe))
        recorder = (sys.executable, "-I", "-S", "-c", _RUN, str(_ROOT), *arguments)
        return subprocess.Popen(
            (sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, str(os.getpid()), *recorder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=pipe,
        )

    def _receive(self, pipe: int, reports: Reports) -> None:
        with os.fdopen(pipe, "rb") as lines:
            receive(lines, reports.take, reports.lost)

    def _pass_on(self, output: IO[bytes]) -> None:
        for raw in output:
            if line := raw.decode(errors="replace").rstrip():
                self.on_line(line)

    def _end(self, number: signal.Signals) -> None:
        with self._lock:
            self._stopping.set()
            if self._process is not None and self._process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    self._process.send_signal(number)


@dataclass
class RecordedEngine:
    """Implements `ports.Engine`: an engine, and the recorder before it."""

    engine: Engine
    recorder: RecorderProcess
    _asked: bool = False

    def start(self) -> None:
        """Start both; the engine only from the main thread."""
        self._asked = False
        self.recorder.start()
        self.engine.start()

    def poll(self) -> tuple[Work, str]:
        """As the engine is; once it was asked to end, RUNNING until the recorder has ended as well."""
        work, detail = self.engine.poll()
        if not self._asked or work is Work.RUNNING:
            return work, detail
        self.recorder.stop()
        return (Work.RUNNING, "the last samples are shipped") if self.recorder.running else (work, detail)

    def stop(self) -> None:
        """Ask the engine to end."""
        self._asked = True
        self.engine.stop()

    def kill(self) -> None:
        """End both."""
        self._asked = True
        self.engine.kill()
        self.recorder.kill()
