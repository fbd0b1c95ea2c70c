"""What a real agent publishes of a real engine process: exactly what the engine did."""

import json
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import openai
import pytest

from infra.agent.catalogue import NAMESPACE
from infra.agent.config import METRICS_PORT, Monitoring
from infra.engines.readings.vllm import READINGS
from tests.functional.agent.conftest import INSTANCE, KEY, Boot, Instance

pytestmark = pytest.mark.slow

MODEL = {"environment": "test", "model": "chat"}
SLOT = {**MODEL, "slot": "blue"}
RELEASE = {**SLOT, "release": "7"}
ENGINE = {
    "readings": READINGS,
    "max_sequences": 2,
    "args": ("--served-model-name", "chat", "--host", "0.0.0.0", "--max-num-seqs", "2"),
    "env": {"SIMULATOR_TIME_PER_TOKEN": "0.01", "SIMULATOR_TTFT": "0.1"},
}


def figure(instance: Instance, name: str, dimensions: Mapping[str, str], statistic: str) -> float | None:
    """One statistic of all that was published."""
    found: dict[str, Any] = instance.cloudwatch.get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=datetime.now(UTC) - timedelta(hours=2),
        EndTime=datetime.now(UTC) + timedelta(hours=1),
        Period=3600,
        Statistics=[statistic],
    )
    values = [point[statistic] for point in found["Datapoints"]]
    if not values:
        return None
    return float(max(values) if statistic == "Maximum" else sum(values))


def ask(instance: Instance, tokens: int) -> None:
    """One streamed answer of exactly so many tokens."""
    client = openai.OpenAI(base_url=f"{instance.engine_url}/v1", api_key=KEY, max_retries=0)
    stream = client.completions.create(
        model="chat", prompt="one two three", max_tokens=tokens, stream=True, extra_body={"ignore_eos": True}
    )
    assert len(list(stream)) == tokens


def page(instance: Instance) -> str:
    """The agent's own page for Prometheus."""
    with urllib.request.urlopen(f"http://{instance.address}:{METRICS_PORT}/metrics", timeout=5) as response:
        body: bytes = response.read()
    return body.decode()


def healthy(instance: Instance) -> bool:
    """Whether the replica serves."""
    return instance.report().get("phase") == "healthy"


def test_figures_are_what_the_engine_did(boot: Boot) -> None:
    """Counts are exact on every level, over a crash of the engine and up to the last request of a drain."""
    instance = boot(weights_uri=None, engine=ENGINE, monitoring=Monitoring(interval_seconds=5))
    instance.wait("healthy", lambda: healthy(instance))
    for tokens in (5, 10, 15):
        ask(instance, tokens)
    client = openai.OpenAI(base_url=f"{instance.engine_url}/v1", api_key=KEY, max_retries=0)
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model="other", prompt="Hello")
    instance.wait("published", lambda: figure(instance, "GeneratedTokens", RELEASE, "Sum") == 30, 40)

    for dimensions in (MODEL, RELEASE):
        assert figure(instance, "Requests", dimensions, "Sum") == 4
        assert figure(instance, "ClientErrors", dimensions, "Sum") == 1
        assert figure(instance, "ServerErrors", dimensions, "Sum") == 0
        assert figure(instance, "PromptTokens", dimensions, "Sum") == 9
        assert figure(instance, "TimeToFirstToken", dimensions, "SampleCount") == 3
        assert figure(instance, "Latency", dimensions, "SampleCount") == 3
    assert figure(instance, "Requests", SLOT, "Sum") == 4
    assert figure(instance, "ClientErrors", SLOT, "Sum") is None
    assert 0.3 <= (figure(instance, "TimeToFirstToken", MODEL, "Sum") or 0) <= 0.45
    assert figure(instance, "ColdStart", MODEL, "SampleCount") == 1
    assert figure(instance, "ColdStartFirstToken", MODEL, "SampleCount") == 1
    assert (figure(instance, "Heartbeat", MODEL, "Sum") or 0) >= 1
    assert figure(instance, "ScrapeFailures", MODEL, "Sum") == 0

    text = page(instance)
    assert (
        'llmctl_generated_tokens_total{environment="test",model="chat",release="7",slot="blue"} 30.0' in text
    )
    assert 'llmctl_phase{environment="test",model="chat",phase="healthy",release="7",slot="blue"} 1.0' in text
    assert 'vllm:generation_tokens_total{model_name="chat"} 30.0' in text

    instance.kill_engine()
    instance.wait("failed", lambda: instance.report()["phase"] == "failed", 15)
    instance.wait("healthy again", lambda: healthy(instance), 30)
    ask(instance, 20)
    instance.around.metadata["meta-data/autoscaling/target-lifecycle-state"] = "Terminated"
    assert instance.process.wait(timeout=40) == 0
    assert figure(instance, "GeneratedTokens", MODEL, "Sum") == 50
    assert figure(instance, "Requests", MODEL, "Sum") == 5
    assert figure(instance, "EngineFailures", MODEL, "Sum") == 1
    assert figure(instance, "ColdStart", MODEL, "SampleCount") == 1
    assert figure(instance, "Requests", {**MODEL, "replica": INSTANCE}, "Sum") == 5

    written = [json.loads(each) for each in instance.lines("metrics")]
    lines = [each for each in written if "Requests" in each]
    assert sum(each["Requests"] for each in lines) == 5
    assert lines[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["environment", "model", "replica"]]
    assert (lines[0]["replica"], lines[0]["release"]) == (INSTANCE, "7")


def test_agent_lives_without_cloudwatch_or_its_port(boot: Boot) -> None:
    """Metrics are worth less than the replica: refused by all sides, it serves and drains."""
    instance = boot(
        weights_uri=None,
        engine=ENGINE,
        monitoring=Monitoring(interval_seconds=5),
        variables={"AWS_ENDPOINT_URL_CLOUDWATCH": "http://127.0.0.1:9", "INSTANCE_ADDRESS": "127.0.0.1"},
    )
    instance.wait("healthy", lambda: healthy(instance))
    instance.wait("refused", lambda: '"again": true' in instance.console(), 20)
    instance.around.metadata["meta-data/autoscaling/target-lifecycle-state"] = "Terminated"
    assert instance.process.wait(timeout=40) == 0
    assert instance.around.calls[-1]["LifecycleHookName"] == "drained"
