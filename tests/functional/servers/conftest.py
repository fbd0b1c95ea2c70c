"""Starts the local servers as processes, as the embedded cloud does."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., "Running"]


@dataclass
class Running:
    """A server process."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def status(self, path: str, key: str = "") -> int:
        """HTTP status of a GET; 0 when nobody listens."""
        request = urllib.request.Request(f"{self.url}{path}", headers={"Authorization": f"Bearer {key}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return 0

    def text(self, path: str, key: str = "") -> str:
        """Body of a GET."""
        request = urllib.request.Request(f"{self.url}{path}", headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=10) as response:
            body: bytes = response.read()
        return body.decode()

    def post(self, path: str, body: object, key: str = "") -> tuple[int, Any]:
        """Status and JSON answer of a POST."""
        request = urllib.request.Request(
            f"{self.url}{path}",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return int(response.status), json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def wait(self, path: str, status: int = 200, seconds: float = 60) -> None:
        """Until a path answers with a status."""
        deadline = time.monotonic() + seconds
        while (got := self.status(path)) != status:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, f"{path}: {got}\n{self.log.read_text()}"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts servers by module name; all are ended with the test module."""
    started: list[Running] = []

    def run(module: str, *arguments: str, ready: str = "/health", **environment: str) -> Running:
        port = _free_port()
        log = tmp_path_factory.mktemp("server") / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                (
                    *(sys.executable, "-I", "-u", "-m", f"infra.embedded.image.servers.{module}"),
                    *("--host", "0.0.0.0", "--port", str(port), *arguments),
                ),
                env={**os.environ, "INSTANCE_ADDRESS": "127.0.0.1", **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        running = Running(process, f"http://127.0.0.1:{port}", log)
        started.append(running)
        if ready:
            running.wait(ready)
        return running

    yield run
    for running in started:
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
