"""A model that sleeps at zero replicas: woken by a request, asleep again when nobody asks. On simulators."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from openai import APIStatusError, OpenAI

from tests.e2e.harness import Project, eventually, project

NAME = "nap"
ENVIRONMENT = """\
environment: nap
provider: {name: embedded, region: us-east-1, account: "123456789012"}
network: {cidr: 10.40.0.0/16}
endpoint: {allow_cidrs: [127.0.0.0/8], port: 8080, default_model: chat}
monitoring: {interval: 5s}
models:
  chat:
    source: hf://example/chat-7B
    engine: {name: simulator, version: "1"}
    instances: {types: [g5.xlarge], zones: [us-east-1a, us-east-1b]}
    replicas: {min: 0, max: 2, sleep_after: 2m}
    routing: {deregistration_delay: 5s}
  guard:
    source: hf://example/guard-1B
    engine: {name: simulator, version: "1"}
    instances: {types: [g5.xlarge], zones: [us-east-1a, us-east-1b]}
    replicas: {min: 1, max: 1}
    routing: {deregistration_delay: 5s}
"""

pytestmark = [pytest.mark.terraform, pytest.mark.slow, pytest.mark.xdist_group("nap")]


@pytest.fixture(scope="module")
def nap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A deployed project with a model that may sleep, and one that may not."""
    with project(tmp_path_factory.mktemp("nap"), NAME, ENVIRONMENT) as made:
        made.ok("deploy", "--env", NAME, "--yes")
        yield made


@pytest.fixture(scope="module")
def client(nap: Project) -> OpenAI:
    """The official client, without retries: each answer is looked at."""
    models = nap.ok("status", "--env", NAME, "--json").json()["models"]
    key = nap.ok("api-key", "--env", NAME).out.strip()
    return OpenAI(base_url=models[0]["url"], api_key=key, max_retries=0)


def ask(client: OpenAI) -> Any:
    """One short completion."""
    return client.completions.create(model="chat", prompt="Hello", max_tokens=2)


def weights(nap: Project) -> list[int]:
    """Weights of the sleeper's slots: all zero while requests go to the waker."""
    (chat, _) = nap.ok("status", "--env", NAME, "--json").json()["models"]
    return [slot["weight"] for slot in chat["slots"]]


def test_it_starts_asleep(nap: Project) -> None:
    """A deploy doesn't wake a model that may sleep, and has nothing more to change."""
    assert nap.replicas() == []
    assert "asleep" in nap.ok("status", "--env", NAME).out
    assert nap.run("plan", "--env", NAME).code == 0


def test_the_first_request_is_told_to_come_again(nap: Project, client: OpenAI) -> None:
    """503 with Retry-After, while a replica starts."""
    with pytest.raises(APIStatusError) as told:
        ask(client)
    assert told.value.status_code == 503
    assert int(told.value.response.headers["retry-after"]) >= 1
    eventually(lambda: nap.replicas(), within=20, what="a replica starts")


def test_whoever_comes_again_is_served(nap: Project, client: OpenAI) -> None:
    """A client that asks again gets its answer once the replica is healthy, and no other error before."""
    refusals: list[APIStatusError] = []

    def answered() -> bool:
        try:
            ask(client)
        except APIStatusError as told:
            refusals.append(told)
            return False
        return True

    eventually(answered, within=90, what="the model is awake")
    assert all(told.status_code == 503 and "retry-after" in told.response.headers for told in refusals)
    assert weights(nap) == [100, 0]
    assert nap.run("plan", "--env", NAME).code == 0


def test_it_sleeps_again(nap: Project, client: OpenAI) -> None:
    """Two minutes without a request: no replica is left, the other model kept its own, the plan is empty."""
    before = nap.healthy("guard")
    ask(client)
    asked = time.monotonic()
    # The two minutes, up to one of rounding, up to one until the waker looks, and what a busy machine adds.
    eventually(lambda: weights(nap) == [0, 0], within=330, what="the model sleeps", every=2)
    assert time.monotonic() - asked > 100, "it slept before its time"
    eventually(lambda: not nap.replicas(), within=60, what="the replica is gone")
    assert nap.healthy("guard") == before
    assert nap.run("plan", "--env", NAME).code == 0


def test_what_happened_is_recorded(nap: Project) -> None:
    """The audit log tells who woke the model and when it went to sleep."""
    events = nap.ok("events", "--env", NAME, "chat", "--json").out
    for action in ("woken", "awake", "asleep"):
        assert f'"{action}"' in events


def test_nothing_is_left(nap: Project) -> None:
    """The waker goes with the rest."""
    nap.ok("destroy", "--env", NAME, "--yes")
    assert nap.ok("inventory", "--env", NAME, "--json").json() == []
