"""Runs the real `llmctl` in a project of its own, with state of its own, and cleans up after itself."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LLMCTL = str(Path(sys.executable).parent / "llmctl")
POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Result:
    """How one command ended."""

    code: int
    out: str
    err: str
    seconds: float

    def json(self) -> Any:
        """What the command wrote to stdout, as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Project:
    """A folder with an environments/ folder, and where llmctl keeps its state for it."""

    folder: Path
    name: str
    _started: list[subprocess.Popen[str]] = field(default_factory=list, compare=False)

    @property
    def file(self) -> Path:
        """The environment file."""
        return self.folder / "environments" / f"{self.name}.yaml"

    @property
    def variables(self) -> dict[str, str]:
        """Process environment of its commands."""
        return {**os.environ, "LLMCTL_STATE_DIR": str(self.folder / "state"), "NO_COLOR": "1"}

    def run(self, *arguments: str, timeout: float = 400) -> Result:
        """Run `llmctl ARGUMENTS` to its end."""
        begin = time.monotonic()
        done = subprocess.run(
            [LLMCTL, *arguments],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr, time.monotonic() - begin)

    def ok(self, *arguments: str, timeout: float = 400) -> Result:
        """Like `run`, and it must succeed."""
        result = self.run(*arguments, timeout=timeout)
        assert result.code == 0, f"llmctl {' '.join(arguments)}: {result}"
        return result

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `llmctl ARGUMENTS`; its stderr is a pipe."""
        started = subprocess.Popen(
            [LLMCTL, *arguments],
            cwd=self.folder,
            env=self.variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self._started.append(started)
        return started

    def end(self) -> None:
        """Kill what was started and still runs."""
        for process in self._started:
            if process.returncode is None:
                process.kill()
                process.communicate()

    def change(self, old: str, new: str) -> None:
        """Edit the environment file."""
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))

    def replicas(self, model: str = "chat") -> list[dict[str, Any]]:
        """The replicas of a model, as `status --json` shows them."""
        models = {
            entry["name"]: entry for entry in self.ok("status", "--env", self.name, "--json").json()["models"]
        }
        return [replica for slot in models[model]["slots"] for replica in slot["replicas"]]

    def healthy(self, model: str = "chat") -> set[str]:
        """Instances of a model's healthy replicas."""
        return {replica["id"] for replica in self.replicas(model) if replica["phase"] == "healthy"}

    def processes(self) -> list[int]:
        """Every process that was started on behalf of this project and still runs."""
        return [pid for pid in _pids() if pid != os.getpid() and str(self.folder) in _environ(pid)]


@contextmanager
def project(folder: Path, name: str, text: str) -> Iterator[Project]:
    """A project with one environment; at the end its cloud is stopped, whatever happened."""
    made = Project(folder, name)
    made.file.parent.mkdir(parents=True)
    made.file.write_text(text)
    try:
        yield made
    finally:
        made.end()
        made.run("local", "down", name)
        for pid in made.processes():
            os.kill(pid, signal.SIGKILL)


def eventually(
    condition: Callable[[], object], *, within: float, what: str, every: float = POLL_SECONDS
) -> None:
    """Poll until the condition holds; fail with `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(every)  # an end-to-end test can only poll


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _environ(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "environ").read_bytes().decode(errors="replace")
    except OSError:
        return ""
