"""Facts become a state that operators recognise."""

from dataclasses import replace

import msgspec
import pytest

from infra.deploy.observe import endpoint_url, interpret, model_url, phase, read
from infra.deploy.types import Health, Instance, Live, Phase, Report
from infra.environment.model import Endpoint, Environment
from infra.environment.slots import Slot
from tests.fakes.deploy import START, FakeBalancer, FakeFleet, FakeRuntime


def report(phase: Phase) -> Report:
    """An agent's report."""
    return Report(phase=phase, detail="", since=START)


@pytest.mark.parametrize(
    ("lifecycle", "health", "reported", "expected"),
    [
        ("Pending", Health.UNREGISTERED, None, Phase.LAUNCHING),
        ("Pending:Wait", Health.UNREGISTERED, Phase.BOOTING, Phase.BOOTING),
        ("Pending:Wait", Health.UNREGISTERED, Phase.LOADING, Phase.LOADING),
        ("Pending:Wait", Health.UNREGISTERED, Phase.HEALTHY, Phase.REGISTERING),
        ("InService", Health.INITIAL, Phase.HEALTHY, Phase.REGISTERING),
        ("InService", Health.HEALTHY, Phase.HEALTHY, Phase.HEALTHY),
        ("InService", Health.HEALTHY, None, Phase.HEALTHY),
        ("InService", Health.UNHEALTHY, Phase.HEALTHY, Phase.UNHEALTHY),
        ("InService", Health.UNHEALTHY, Phase.FAILED, Phase.FAILED),
        ("InService", Health.DRAINING, Phase.HEALTHY, Phase.DRAINING),
        ("Terminating:Wait", Health.HEALTHY, Phase.HEALTHY, Phase.DRAINING),
    ],
)
def test_phase(lifecycle: str, health: Health, reported: Phase | None, expected: Phase) -> None:
    """The balancer's word counts most, then the group's, then the agent's."""
    assert phase(lifecycle, health, report(reported) if reported else None) is expected


def test_ready_needs_every_wanted_replica(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """An environment is ready when every live slot has all the replicas it wants, healthy."""
    environment = msgspec.structs.replace(environment, models={"chat": environment.models["chat"]})
    runtime.live_by_model["chat"] = Live(slot=Slot.BLUE, release=1, since=START)
    spot = "llmctl-test-chat-blue-spot"
    instances = tuple(
        Instance(id=f"i-{n}", lifecycle="InService", release=1, type="g5.xlarge", zone="us-east-1a")
        for n in range(2)
    )
    fleet.by_name[spot] = replace(fleet.by_name[spot], min=2, desired=2, instances=instances)
    balancer.health_by_instance = {"i-0": Health.HEALTHY, "i-1": Health.INITIAL}
    assert not interpret(environment, read(fleet, balancer, runtime)).ready
    balancer.health_by_instance["i-1"] = Health.HEALTHY
    assert interpret(environment, read(fleet, balancer, runtime)).ready


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (Endpoint(allow_cidrs=("10.0.0.0/8",)), "http://b/chat/v1"),
        (Endpoint(allow_cidrs=("10.0.0.0/8",), port=8080), "http://b:8080/chat/v1"),
        (Endpoint(allow_cidrs=("10.0.0.0/8",), default_model="chat"), "http://b/v1"),
        (Endpoint(allow_cidrs=("10.0.0.0/8",), domain="llm.example.com"), "https://chat.llm.example.com/v1"),
        (
            Endpoint(allow_cidrs=("10.0.0.0/8",), domain="llm.example.com", default_model="chat"),
            "https://llm.example.com/v1",
        ),
    ],
)
def test_model_url(environment: Environment, endpoint: Endpoint, expected: str) -> None:
    """Each model has a base URL that an OpenAI client can be given as it is."""
    environment = msgspec.structs.replace(environment, endpoint=endpoint)
    assert model_url(environment, "chat", "b") == expected
    assert endpoint_url(environment, "b") in expected.replace("chat.", "")
