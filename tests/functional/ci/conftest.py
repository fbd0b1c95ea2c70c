"""A job on a code host that runs on loopback, and the command line in it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.app import run
from tests.fakes.code_hosts import REPOSITORY, TOKEN, CodeHost, serving
from tests.fakes.pull_requests import HEAD, MERGE


@pytest.fixture(autouse=True)
def _no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine that runs the tests says of itself must not count."""
    import os

    for name in list(os.environ):
        if name.startswith(("GITHUB_", "CI_", "GITLAB_", "ACTIONS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("infra.clock.SystemClock.sleep", lambda *_: None)


@pytest.fixture
def host() -> Iterator[CodeHost]:
    """A code host."""
    with serving(CodeHost()) as running:
        yield running


@pytest.fixture
def github(host: CodeHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CodeHost:
    """GitHub, with us in a job for pull request 7."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": HEAD}}}))
    told: dict[str, Any] = {
        "GITHUB_API_URL": host.address,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": event,
        "GITHUB_RUN_ID": "42",
        "GITHUB_SHA": MERGE,
        "GITHUB_REF_NAME": "main",
        "GITHUB_OUTPUT": tmp_path / "output",
        "GITHUB_STEP_SUMMARY": tmp_path / "summary",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, str(value))
    return host


@pytest.fixture
def body(tmp_path: Path) -> Callable[[str], str]:
    """Writes a text, and names its file."""

    def write(text: str) -> str:
        path = tmp_path / "body.md"
        path.write_text(text)
        return str(path)

    return write


@pytest.fixture
def llmctl() -> Callable[..., int]:
    """The command line: arguments to exit code."""
    return lambda *arguments: run([*map(str, arguments)])
