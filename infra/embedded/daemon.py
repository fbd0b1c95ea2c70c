"""The embedded cloud's process: `python -m infra.embedded.daemon --name NAME --directory DIR`.

It puts the parts together - AWS API, autoscaling, machines, balancer - and runs their reconcilers in one
loop. A part that fails is logged and shown in the status; the others go on. It ends on SIGTERM, taking every
process with it; killed otherwise, the kernel does the same. Nothing of a cloud survives its daemon but its
logs.
"""

import argparse
import fcntl
import json
import logging
import os
import select
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType
from typing import IO

from infra.embedded import processes
from infra.embedded.aws.pace import PACE
from infra.embedded.parts import Parts
from infra.errors import LlmctlError

STATE_FILE = "cloud.json"
_LOCK_FILE = "daemon.lock"
_TICK_SECONDS = 0.2
_PACKAGE = "llmctl-toolkit"

_log = logging.getLogger("daemon")


@dataclass
class StepError:
    """The last failure of a part; `at` in epoch seconds."""

    step: str
    error: str
    at: float


class Daemon:
    """The loop around the parts."""

    def __init__(self, name: str, directory: Path, die_with: int | None) -> None:
        self._name = name
        self._directory = directory
        self._watched = os.pidfd_open(die_with) if die_with else None
        self._started = time.time()
        self._ending = threading.Event()
        self._errors: dict[str, StepError] = {}

    def run(self) -> None:
        """Start everything, say so in the state file, and reconcile until the end is asked for."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        parts = Parts.start(self._name, self._directory, self._status)
        try:
            self._write_state(parts)
            _log.info("ready: %s, AWS API on %s", self._name, parts.api_url)
            while not self._ending.wait(_TICK_SECONDS) and not self._outlived():
                self._tick(parts)
        finally:
            (self._directory / STATE_FILE).unlink(missing_ok=True)
            _log.info("ending")
            parts.stop()
            processes.kill_marked(processes.CLOUD_MARK, str(self._directory))
            _log.info("ended")

    def _tick(self, parts: Parts) -> None:
        for step, action in parts.steps.items():
            self._attempt(step, action)

    def _attempt(self, step: str, action: Callable[[float], None]) -> None:
        now = time.time()
        try:
            action(now)
        except Exception as error:  # noqa: BLE001 - the outermost loop: one part's bug must not stop the others
            text = f"{type(error).__name__}: {error}"
            known = self._errors.get(step)
            if known is None or known.error != text:
                _log.exception("%s failed", step)
            self._errors[step] = StepError(step, text, now)

    def _outlived(self) -> bool:
        """Whether the process that this cloud shall not outlive has ended."""
        return self._watched is not None and bool(select.select([self._watched], [], [], 0)[0])

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._ending.set()

    def _status(self) -> dict[str, object]:
        return {
            "name": self._name,
            "version": package_version(),
            "pid": os.getpid(),
            "started": self._started,
            "uptime_seconds": time.time() - self._started,
            "speed": PACE.speed,
            "errors": [asdict(error) for error in self._errors.values()],
        }

    def _write_state(self, parts: Parts) -> None:
        state = {
            "name": self._name,
            "pid": os.getpid(),
            "process_started": processes.start_time(os.getpid()),
            "started": self._started,
            "version": package_version(),
            "speed": PACE.speed,
            "api": parts.api_url,
            "admin": parts.admin_url,
            "addresses": str(parts.addresses.block),
        }
        temporary = self._directory / f".{STATE_FILE}.new"
        temporary.write_text(json.dumps(state, indent=2))
        temporary.replace(self._directory / STATE_FILE)


def package_version() -> str:
    """The installed version, or `unknown` in a tree that was not installed."""
    try:
        return version(_PACKAGE)
    except PackageNotFoundError:
        return "unknown"


def lock(directory: Path) -> IO[str]:
    """Become the only daemon of this folder, for as long as the returned file is open. Raises LlmctlError."""
    file = (directory / _LOCK_FILE).open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise LlmctlError(f"a daemon runs in {directory} already") from error
    return file


def clean(directory: Path) -> None:
    """Remove what an earlier daemon of this folder left, processes first; its own log stays."""
    processes.kill_marked(processes.CLOUD_MARK, str(directory))
    for name in ("instances", "console", "balancer", "functions", "bin"):
        shutil.rmtree(directory / name, ignore_errors=True)
    (directory / STATE_FILE).unlink(missing_ok=True)


def forget_settings() -> None:
    """Drop the host's AWS and moto settings: nothing of this cloud may reach, or look like, the real one."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "MOTO_"))]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "embedded",
        "AWS_SECRET_ACCESS_KEY": "embedded",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def main() -> int:
    """Run a daemon until it is told to end."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.embedded.daemon", description="The embedded cloud."
    )
    parser.add_argument("--name", required=True)
    parser.add_argument("--directory", required=True, type=Path, help="state folder, created")
    parser.add_argument("--die-with", type=int, metavar="PID", help="end when this process ends")
    parser.add_argument("--speed", type=float, default=1.0, help="of alarms and scaling policies, 1 to 60")
    arguments = parser.parse_args()
    try:
        PACE.set(arguments.speed, time.time())
    except ValueError as error:
        parser.error(str(error))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    directory: Path = arguments.directory.resolve()
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chdir(directory)
    try:
        with lock(directory):
            clean(directory)
            forget_settings()
            os.environ[processes.CLOUD_MARK] = str(directory)
            Daemon(arguments.name, directory, arguments.die_with).run()
    except LlmctlError as error:
        _log.error("%s", error.message)
        return error.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
