"""Running embedded clouds for tests, each in a state folder of its own; none survives its test."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.embedded import client
from infra.embedded.client import Cloud

DEADLINE_SECONDS = 60.0


def until(condition: Callable[[], Any], what: str, seconds: float = DEADLINE_SECONDS) -> Any:
    """Poll until the condition is truthy and return it; fail with `what` at the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.1)
    pytest.fail(f"not within {seconds:.0f} s: {what}")


def aws(cloud: Cloud, service: str) -> Any:
    """A client of the cloud's API."""
    session: Any = boto3  # typed for literal names only
    return session.client(
        service,
        region_name="us-east-1",
        endpoint_url=cloud.api_url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture
def start_cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Cloud]]:
    """Starts clouds by name."""
    monkeypatch.setenv("LLMCTL_STATE_DIR", str(tmp_path))
    started: list[str] = []

    def start(name: str) -> Cloud:
        started.append(name)
        return Cloud.ensure(name, die_with=os.getpid())

    yield start
    for name in started:
        if cloud := Cloud.locate(name):
            cloud.stop()
        client.sweep(name)


@pytest.fixture
def cloud(start_cloud: Callable[[str], Cloud]) -> Cloud:
    """One running cloud."""
    return start_cloud("test")
