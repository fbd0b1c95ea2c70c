"""Samples, end to end: a request through the balancer, kept by the replica, fetched by the command."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from tests.e2e.harness import Project, eventually, project

NAME = "samples"
FILE = f"""\
environment: {NAME}
provider: {{name: embedded, region: us-east-1}}
network: {{cidr: 10.30.0.0/16}}
endpoint: {{allow_cidrs: [127.0.0.1/32], port: 8093}}
models:
  chat:
    source: file:///simulated
    engine: {{name: simulator, version: "1"}}
    instances: {{types: [c7i.large], zones: [us-east-1a, us-east-1b]}}
    replicas: {{min: 1, max: 2}}
    routing: {{deregistration_delay: 5s}}
    capture: {{rate: 1.0, redact: [messages.content]}}
"""

pytestmark = [pytest.mark.terraform, pytest.mark.slow, pytest.mark.xdist_group("samples")]


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """An environment whose only model keeps every request."""
    with project(tmp_path_factory.mktemp("samples"), NAME, FILE) as made:
        made.ok("deploy", "--env", NAME, "--yes")
        yield made


def test_a_request_becomes_a_sample(captured: Project) -> None:
    """Through balancer and recorder to the engine; a minute later the redacted sample can be fetched."""
    url = captured.ok("status", "--env", NAME, "--endpoint").out.strip()
    client = OpenAI(base_url=f"{url}/v1", api_key=captured.ok("api-key", "--env", NAME).out.strip())
    asked = "nobody's business"
    answer = client.chat.completions.create(
        model="chat", messages=[{"role": "user", "content": asked}], max_tokens=5
    )

    def fetched() -> str:
        return captured.ok("samples", "fetch", "--env", NAME, "chat").out.strip()

    eventually(fetched, within=100, what="the sample is in the bucket")
    line = fetched()
    sample = json.loads(line)
    assert sample["response"]["choices"][0]["message"]["content"] == answer.choices[0].message.content
    assert (sample["release"], sample["slot"], sample["status"]) == (1, "blue", 200)
    assert asked not in line
    listed = captured.ok("samples", "list", "--env", NAME, "--json").json()
    assert [(each["model"], each["release"]) for each in listed] == [("chat", 1)]
    output = Path(captured.folder) / "samples.jsonl"
    captured.ok("samples", "fetch", "--env", NAME, "chat", "--limit", "1", "--output", str(output))
    assert output.read_text() == f"{line}\n"
    assert output.stat().st_mode & 0o777 == 0o600


def test_the_plan_is_empty_and_nothing_is_left(captured: Project) -> None:
    """Samples are nothing that Terraform sees as drift, and the bucket goes with the environment."""
    captured.ok("plan", "--env", NAME)
    captured.ok("destroy", "--env", NAME, "--yes")
