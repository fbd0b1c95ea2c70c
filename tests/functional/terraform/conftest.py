"""A plain moto server, a bucket for the state, and a tiny stack of resources that are there at once."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from infra.errors import Refused
from infra.terraform.directory import RunDirectory
from infra.terraform.events import Event
from infra.terraform.find import find_executable
from infra.terraform.provider import find_mirror
from infra.terraform.runner import Backend
from tests.functional.terraform.stack import BACKEND, write_stack

_START_SECONDS = 30
# Moto as released denies every call to a bucket whose policy demands TLS.
_SERVER = """
import sys
from moto.server import main
from infra.embedded.aws import s3
s3.install()
main(["-H", "127.0.0.1", "-p", "0"])
"""


@pytest.fixture(scope="session")
def executable() -> None:
    """Skip where Terraform or the provider is missing: the registry may be out of reach."""
    try:
        find_executable(os.environ)
    except Refused as error:
        pytest.skip(error.message)
    if find_mirror(os.environ) is None:
        pytest.skip("the AWS provider is in no mirror on this machine")


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a moto server on a free port."""
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-c", _SERVER],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _address(log)
    finally:
        server.terminate()
        server.wait(10)


def _address(log: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if found := re.search(r"Running on (http://127\.0\.0\.1:\d+)", log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise TimeoutError(log.read_text())


@pytest.fixture
def variables(executable: None, endpoint: str) -> dict[str, str]:
    """What Terraform and boto3 need to reach the server; a file that doesn't exist must not matter."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
    return {
        **inherited,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "only-in-the-environment",
        "AWS_REGION": BACKEND.region,
        "TF_CLI_CONFIG_FILE": "/nonexistent/terraformrc",
    }


@pytest.fixture
def backend(endpoint: str, tmp_path: Path) -> Backend:
    """A state of its own for each test."""
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=BACKEND.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    s3.create_bucket(Bucket=BACKEND.bucket)
    return Backend(BACKEND.bucket, f"{tmp_path.name}/terraform.tfstate", BACKEND.region)


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    """A run directory with the tiny stack in it."""
    run = RunDirectory("tiny", root=tmp_path / "run")
    write_stack(run, prefix=tmp_path.name)
    return run


@pytest.fixture
def heard() -> list[Event]:
    """Everything an observer was told."""
    return []


@pytest.fixture
def observer(heard: list[Event]) -> Callable[[Event], None]:
    """An observer that records."""
    return heard.append
