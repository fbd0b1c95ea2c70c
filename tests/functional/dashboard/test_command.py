"""`llmctl dashboard` as a process."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

pytestmark = pytest.mark.slow
_REPOSITORY = Path(__file__).parents[3]
_LOCAL = _REPOSITORY / "environments" / "local.yaml"
_OPEN = build_opener(ProxyHandler({})).open


def start(state: Path, *options: str) -> subprocess.Popen[str]:
    """The command, for an embedded cloud that doesn't run."""
    return subprocess.Popen(
        [str(Path(sys.executable).parent / "llmctl"), "dashboard", "--env", str(_LOCAL), *options],
        cwd=_REPOSITORY,
        env={**os.environ, "LLMCTL_STATE_DIR": str(state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The command, ended afterwards whatever happens."""
    process = start(tmp_path)
    yield process
    process.kill()
    process.communicate(timeout=30)


def test_prints_its_address_serves_and_ends(process: subprocess.Popen[str]) -> None:
    """The address is the only output; a cloud that isn't there is said on the page; Ctrl-C is no failure."""
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", url)
    answer = json.load(_OPEN(f"{url}api/state", timeout=30))
    assert "local is not running" in answer["problem"]["message"]
    assert answer["problem"]["hint"]
    asked = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
    assert time.monotonic() - asked < 10
    assert process.stdout.read() == ""


def test_the_address_is_in_no_argument(process: subprocess.Popen[str]) -> None:
    """Every user of the machine may read arguments."""
    assert process.stdout is not None
    token = process.stdout.readline().strip().split("/")[3]
    assert token not in Path(f"/proc/{process.pid}/cmdline").read_text()


def test_a_taken_port_is_explained(tmp_path: Path) -> None:
    """Which port, why, and what to do instead."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = start(tmp_path, "--port", str(port))
        output, errors = done.communicate(timeout=60)
    assert done.returncode == 1
    assert output == ""
    assert f"can't listen on 127.0.0.1:{port}" in errors
    assert "--port 0" in errors
