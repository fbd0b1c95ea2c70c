"""An environment with every alarm, as synthesised, in an emulated cloud whose time the tests make pass."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.core.config import default_user_config

from infra.embedded import aws
from infra.embedded.aws import sns
from infra.embedded.aws.server import Server
from infra.environment.model import Environment
from tests.functional.observability.minutes import Life, Minute
from tests.functional.observability.synthesised import Client, Created
from tests.synth.synthesis import REGION, ZONES, Stack, environment, model

_PRICED = {"types": ["g5.xlarge"], "zones": ZONES, "price": {"on_demand": 1.2, "spot": 0.4}}

EVERYTHING = environment(
    models={
        "chat": model(instances=_PRICED, replicas={"min": 2, "max": 4}),
        "night": model(instances=_PRICED, replicas={"min": 0, "max": 2, "sleep_after": "10m"}),
    },
    endpoint={"allow_cidrs": ["203.0.113.0/24"], "default_model": "chat"},
    monitoring={
        "budget": 3,
        "interval": "20s",
        "notify": ["oncall@example.com", "http://hook.example/"],
    },
)
"""Two models, one of which may sleep; an engine that tells all, prices and a budget: it has every alarm."""


@pytest.fixture(scope="session")
def everything() -> Environment:
    """The environment that has every alarm."""
    return EVERYTHING


@pytest.fixture(scope="session")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """Its stack."""
    return Stack(EVERYTHING, tmp_path_factory.mktemp("everything"))


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Server]:
    """Serve the emulated cloud, without the public images that take long to load."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        server = Server()
        yield server
        server.stop()


@pytest.fixture(scope="module")
def connect(endpoint: Server) -> Client:
    """Clients, each made once: making one takes longer than most tests."""
    clients: dict[str, Any] = {}
    make: Any = boto3.client

    def connect(service: str) -> Any:
        if service not in clients:
            clients[service] = make(
                service,
                endpoint_url=endpoint.url,
                region_name=REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
        return clients[service]

    return connect


@pytest.fixture
def client(connect: Client) -> Iterator[Client]:
    """Clients of an empty cloud in which nothing moves by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(default_user_config["iam"], "load_aws_managed_policies", False)
        aws.reset()
        sns.MAILBOX.clear()
        yield connect
        aws.reset()


@pytest.fixture
def unborn(client: Client, synthesised: Stack) -> Life:
    """Everything as Terraform leaves it: nothing has run, no metric was ever told."""
    return Life(Created(synthesised, client).watched(), client)


@pytest.fixture
def life(unborn: Life) -> Life:
    """Ten quiet minutes later: alarms have looked, and said once that they are fine."""
    assert not unborn.play([Minute()] * 10).ever
    return unborn
