"""An emulated account with a runtime table, and environments as Terraform leaves them."""

import zlib
from collections.abc import Iterator

import pytest

from infra.aws.session import Session
from infra.embedded import aws
from infra.embedded.aws.server import Server
from infra.environment.model import Environment
from tests.fakes.environments import two_models
from tests.fakes.stack import build

VARIABLES = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """An emulated account. Tests share it, each with an environment of its own."""
    server = Server()
    aws.reset()
    yield Session("us-east-1", {**VARIABLES, "AWS_ENDPOINT_URL": server.url})
    server.stop()


@pytest.fixture
def environment(session: Session, request: pytest.FixtureRequest) -> Environment:
    """Two models, as Terraform leaves them."""
    environment = two_models(f"env-{zlib.crc32(request.node.name.encode())}")
    build(session, environment)
    return environment
