"""The engine container, as a child process: `docker run` in the foreground.

Secrets go in by a file that only root can read, never by arguments. The child gets SIGTERM from the kernel
when this process dies, however it dies; `docker run` passes that on to the container.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from infra.agent.config import WEIGHTS_DIRECTORY, Launch
from infra.agent.machine import Work

CONTAINER = "engine"
_CACHE_DIRECTORY = "/var/cache/llmctl"
"""Where engines keep what they download, on the instance and in the container: a restart finds it again."""
_CACHE_VARIABLES = {
    "XDG_CACHE_HOME": _CACHE_DIRECTORY,
    "HF_HOME": f"{_CACHE_DIRECTORY}/huggingface",  # some images set it to a place of their own
}
_ANYBODY = 0o1777
"""Like a temporary folder: an image may run as any user."""
_DOCKER_TIMEOUT = 20.0
_PULL_TIMEOUT = 1800.0
_LOG = logging.getLogger("agent")

# Run in between, because Popen's preexec_fn is unsafe in a process with threads. The look at the parent
# closes the gap in which it may have died before prctl was called.
DIE_WITH_PARENT = (
    "import ctypes, os, signal, sys\n"
    "ctypes.CDLL(None).prctl(1, signal.SIGTERM)\n"
    "os.getppid() == int(sys.argv[1]) or sys.exit(1)\n"
    "os.execvp(sys.argv[2], sys.argv[2:])\n"
)


def run_command(launch: Launch, *, root: str, env_file: Path, weights: bool) -> tuple[str, ...]:
    """The `docker run` command line. `root` comes before every path on the instance."""
    volumes = [f"{root}{_CACHE_DIRECTORY}:{_CACHE_DIRECTORY}"]
    if weights:
        volumes.append(f"{root}{WEIGHTS_DIRECTORY}:{WEIGHTS_DIRECTORY}:ro")
    # Engines that split a model over GPUs talk through shared memory: a container's own 64 MB is too small.
    gpus = ("--gpus", "all", "--ipc", "host") if launch.gpus else ()
    return (
        *("docker", "run", "--rm", "--name", CONTAINER, "--network", "host"),
        *("--log-driver", "local"),  # docker's default keeps every line of an engine until the disk is full
        *gpus,
        *("--env-file", str(env_file)),
        *(word for volume in volumes for word in ("-v", volume)),
        launch.image,
        *launch.args,
    )


def env_file_text(env: Mapping[str, str]) -> str:
    """The file that `--env-file` reads: no quoting there, so a value with a newline raises ValueError."""
    for name, value in env.items():
        if "\n" in value or "\r" in value:
            raise ValueError(f"environment variable {name} has a line break")
    return "".join(f"{name}={value}\n" for name, value in env.items())


def pull(image: str) -> None:
    """Let docker have the image on its disk. A failure is only logged: `docker run` tries again, and says."""
    try:
        done = subprocess.run(
            ("docker", "pull", image),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PULL_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        _LOG.warning("docker pull", extra={"fields": {"error": str(error)}})
        return
    if done.returncode:
        _LOG.warning("docker pull", extra={"fields": {"error": done.stderr.strip()[-500:]}})


@dataclass
class DockerEngine:
    """Implements `ports.Engine`. `start` only from the main thread: its end is what the kernel watches."""

    launch: Launch
    root: str
    weights: bool
    api_key: Callable[[], str | None]
    on_line: Callable[[str], None]
    _process: subprocess.Popen[bytes] | None = None
    _failure: str = ""
    _last_line: str = field(default="")

    def start(self) -> None:
        """Start the container; a leftover of an earlier agent is removed first."""
        self._process, self._failure, self._last_line = None, "", ""
        try:
            self._docker("rm", "--force", CONTAINER)
            self._process = self._spawn()
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self._failure = f"the engine could not be started: {error}"
            return
        assert self._process.stdout is not None
        threading.Thread(
            target=self._read, args=(self._process.stdout,), name="engine-output", daemon=True
        ).start()

    def poll(self) -> tuple[Work, str]:
        """RUNNING, or how it ended."""
        if self._failure:
            return Work.FAILED, self._failure
        if self._process is None:
            return Work.IDLE, ""
        status = self._process.poll()
        if status is None:
            return Work.RUNNING, ""
        how = f"signal {-status}" if status < 0 else f"status {status}"
        last = f": {self._last_line}" if self._last_line else ""
        return (Work.FAILED if status else Work.DONE), f"the engine ended with {how}{last}"[:500]

    def stop(self) -> None:
        """SIGTERM."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, to the container as well: it would outlive its client."""
        try:
            self._docker("kill", CONTAINER)
        except (OSError, subprocess.SubprocessError):
            self._last_line = "docker kill failed"
        self._signal(signal.SIGKILL)

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = run_command(self.launch, root=self.root, env_file=self._env_file(), weights=self.weights)
        for folder in (_CACHE_DIRECTORY, WEIGHTS_DIRECTORY):
            Path(f"{self.root}{folder}").mkdir(parents=True, exist_ok=True)
        Path(f"{self.root}{_CACHE_DIRECTORY}").chmod(_ANYBODY)
        return subprocess.Popen(
            (sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, str(os.getpid()), *command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def _env_file(self) -> Path:
        env = _CACHE_VARIABLES | self.launch.env
        if self.launch.api_key_env and (key := self.api_key()):
            env[self.launch.api_key_env] = key
        path = Path(f"{self.root}/run/llmctl/engine.env")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(env_file_text(env))
        return path

    def _read(self, output: IO[bytes]) -> None:
        with output:
            for raw in output:
                line = raw.decode(errors="replace").rstrip()
                if line:
                    self._last_line = line
                    self.on_line(line)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _docker(self, *arguments: str) -> None:
        subprocess.run(
            ("docker", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_DOCKER_TIMEOUT,
            check=False,
        )
