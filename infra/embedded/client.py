"""The embedded cloud as seen from outside: find it, start it, ask it, stop it.

Standard library only, and nothing of the cloud's inside: the command line loads this at every start.
"""

import contextlib
import json
import os
import re
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.embedded import processes
from infra.errors import LlmctlError, Refused
from infra.paths import state_directory

_STATE_FILE = "cloud.json"
_LOG_FILE = "daemon.log"
_NAME = re.compile(r"[a-z](-?[a-z0-9])*")
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_CALL_SECONDS = 10.0
_POLL_SECONDS = 0.05
_LOG_TAIL_LINES = 15

# Straight to the daemon: a proxy from the environment can't reach this machine's loopback addresses.
_OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """A running embedded cloud."""

    name: str
    directory: Path
    pid: int
    process_started: int
    """With the pid it identifies the daemon's process, see `processes.start_time`."""
    api_url: str
    """The AWS API."""
    admin_url: str
    version: str
    speed: float = 1.0
    """How many times faster than AWS's the cloud's alarms and scaling policies live."""

    @classmethod
    def locate(cls, name: str) -> "Cloud | None":
        """The running cloud of that name, if there is one."""
        directory = cloud_directory(name)
        try:
            state = json.loads((directory / _STATE_FILE).read_text())
        except FileNotFoundError:
            return None
        cloud = cls(
            name=name,
            directory=directory,
            pid=state["pid"],
            process_started=state["process_started"],
            api_url=state["api"],
            admin_url=state["admin"],
            version=state["version"],
            speed=state.get("speed", 1.0),
        )
        return cloud if cloud._lives() else None

    @classmethod
    def ensure(cls, name: str, *, die_with: int | None = None, speed: float | None = None) -> "Cloud":
        """The running cloud of that name, started if need be; raises LlmctlError when it does not come up.

        It outlives this process and its terminal. With `die_with` it ends when that process does. `speed` is
        that of alarms and scaling policies (1 if left out); raises Refused if it runs at another one.
        """
        if running := cls.locate(name):
            if speed not in (None, running.speed):
                raise Refused(
                    f"the embedded cloud {name!r} runs already, at speed {running.speed:g}",
                    hint=f"llmctl local down {name} ends it with all that runs in it",
                )
            return running
        directory = cloud_directory(name)
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        pid = _start_daemon(name, directory, die_with, speed)
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if running := cls.locate(name):
                return running
            # A daemon that found another one starting ends at once; the other one is waited for.
            if not (processes.start_time(pid) or processes.marked(processes.CLOUD_MARK, str(directory))):
                break
            time.sleep(_POLL_SECONDS)  # it says that it is ready by writing a file
        else:
            sweep(name)
        raise LlmctlError(
            f"the embedded cloud {name!r} did not start; its log {directory / _LOG_FILE} ends with:\n"
            + _tail(directory / _LOG_FILE),
            hint="llmctl doctor checks what it needs",
        )

    @property
    def log_path(self) -> Path:
        """The daemon's log."""
        return self.directory / _LOG_FILE

    def environment(self, region: str = "us-east-1") -> dict[str, str]:
        """Variables that point AWS SDKs and Terraform here.

        They belong over an environment without other `AWS_` variables, as `environment_over` makes it: an
        `AWS_PROFILE` can't be made harmless by overwriting it, because SDKs refuse an empty one.
        """
        # A range for Terraform; Python's standard library understands hosts only.
        no_proxy = f"127.0.0.0/8,{urlsplit(self.api_url).hostname},{os.environ.get('NO_PROXY', '')}"
        return {
            "AWS_ENDPOINT_URL": self.api_url,
            "AWS_ACCESS_KEY_ID": "embedded",
            "AWS_SECRET_ACCESS_KEY": "embedded",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
        }

    def environment_over(self, base: Mapping[str, str], region: str = "us-east-1") -> dict[str, str]:
        """A whole environment for a process that shall see this cloud and no other: `base`, pointed here."""
        kept = {name: value for name, value in base.items() if not name.startswith("AWS_")}
        return kept | self.environment(region)

    def status(self) -> dict[str, Any]:
        """What runs: instances, load balancers, problems. Raises LlmctlError when nobody answers."""
        return self._call("GET", "/status")

    def usage(self) -> list[dict[str, Any]]:
        """Hours that instances have run: group, instance_type, market, zone, hours. Raises LlmctlError."""
        found: list[dict[str, Any]] = self._call("GET", "/usage")["instances"]
        return found

    def kill_instance(self, instance_id: str) -> None:
        """Crash an instance's machine. Raises LlmctlError when it has none."""
        self._call("POST", f"/instances/{instance_id}/kill")

    def interrupt_instance(self, instance_id: str, seconds: float = 120) -> None:
        """Give a spot instance notice: it is taken in so many seconds. Raises LlmctlError if it can't be."""
        self._call("POST", f"/instances/{instance_id}/interrupt", {"in_seconds": seconds})

    def trouble_instance(self, instance_id: str, what: str, seconds: float, by: float = 0.0) -> None:
        """Let something go wrong on an instance for so long (see `troubles`); 0: no longer.

        `by`: the seconds of a clock's skew. Raises LlmctlError when it has no machine.
        """
        body = {"what": what, "seconds": seconds, "by": by}
        self._call("POST", f"/instances/{instance_id}/trouble", body)

    def faults(self) -> dict[str, Any]:
        """What goes wrong with its API at present. Raises LlmctlError when it does not answer."""
        return self._call("GET", "/faults")

    def set_faults(self, **faults: object) -> dict[str, Any]:
        """Let these go wrong from now on, and nothing else; none: all is well. Raises LlmctlError."""
        return self._call("POST", "/faults", faults)

    def market(self) -> dict[str, Any]:
        """What the spot market has at present. Raises LlmctlError when it does not answer."""
        return self._call("GET", "/market")

    def set_market(
        self,
        steps: Sequence[tuple[float, Mapping[str, int]]] = (),
        *,
        repeat: float | None = None,
        notice: float = 120.0,
    ) -> dict[str, Any]:
        """Let the spot market have so many instances, by zone, from so many seconds on; else no limit.

        `repeat`: seconds after which the steps begin anew. `notice`: how long before its end an instance
        learns that it is taken; 0: not at all. Raises LlmctlError for what can't be.
        """
        told = [[at, dict(zones)] for at, zones in steps]
        return self._call("POST", "/market", {"steps": told, "repeat": repeat, "notice": notice})

    def stop(self) -> None:
        """End the cloud and wait until none of its processes is left. Raises LlmctlError if one stays."""
        if self._lives():
            processes.send(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while self._lives() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)  # who isn't its parent can only look whether it is gone
        sweep(self.name)
        with contextlib.suppress(ChildProcessError):  # only who started it can collect its exit
            os.waitpid(self.pid, os.WNOHANG)

    def _lives(self) -> bool:
        return processes.start_time(self.pid) == self.process_started

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - the address comes from our own state file
            self.admin_url + path,
            method=method,
            data=json.dumps(body or {}).encode() if method == "POST" else None,
        )
        try:
            with _OPEN(request, timeout=_CALL_SECONDS) as response:
                answer: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            raise _explain(error) from error
        except OSError as error:
            raise LlmctlError(
                f"the embedded cloud {self.name!r} does not answer: {error}", hint=f"its log: {self.log_path}"
            ) from error
        return answer


def clouds() -> list[str]:
    """Names of the running clouds."""
    folder = _clouds_directory()
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return [name for name in names if _NAME.fullmatch(name) and Cloud.locate(name)]


def cloud_directory(name: str) -> Path:
    """The state folder of the cloud of that name; raises Refused for what can't be a name."""
    if not _NAME.fullmatch(name):
        raise Refused(
            f"{name!r} can't be a cloud's name",
            hint="lower-case letters, digits and single hyphens, starting with a letter",
        )
    return (_clouds_directory() / name).resolve()


def sweep(name: str) -> int:
    """Kill all processes of the cloud of that name, running or left over, and say how many there were.

    Raises LlmctlError when one can't be killed.
    """
    directory = str(cloud_directory(name))
    found = len(processes.marked(processes.CLOUD_MARK, directory))
    if left := processes.kill_marked(processes.CLOUD_MARK, directory):
        pids = ", ".join(map(str, left))
        raise LlmctlError(f"processes of the embedded cloud {name!r} do not end: {pids}")
    return found


def _clouds_directory() -> Path:
    return state_directory() / "clouds"


def _start_daemon(name: str, directory: Path, die_with: int | None, speed: float | None) -> int:
    command = [sys.executable, "-I", "-m", "infra.embedded.daemon", "--name", name]
    command += ["--directory", str(directory)]
    command += ["--die-with", str(die_with)] if die_with is not None else []
    command += ["--speed", f"{speed:g}"] if speed is not None else []
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    # Not subprocess.Popen: its object would have to be kept until the daemon's end.
    return os.posix_spawn(
        sys.executable,
        command,
        {**os.environ, processes.CLOUD_MARK: str(directory)},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(directory / _LOG_FILE), append, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def _tail(path: Path) -> str:
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return "\n".join(lines[-_LOG_TAIL_LINES:]) or "(nothing)"


def _explain(error: urllib.error.HTTPError) -> LlmctlError:
    try:
        answer = json.load(error)
        kind = Refused if error.code == HTTPStatus.BAD_REQUEST else LlmctlError
        return kind(answer["error"], hint=answer["hint"])
    except (ValueError, KeyError, TypeError):
        return LlmctlError(f"the embedded cloud's daemon answered {error.code}")
