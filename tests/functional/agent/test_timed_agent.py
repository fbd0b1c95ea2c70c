"""The agent with requests timed by the recorder: an engine that tells nothing has exact figures."""

import json
import time
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import openai
import pytest

from infra.agent.catalogue import NAMESPACE
from infra.agent.config import METRICS_PORT, Monitoring
from tests.functional.agent.conftest import KEY, Boot, Instance

pytestmark = pytest.mark.slow
RELEASE = {"environment": "test", "model": "chat", "slot": "blue", "release": "7"}


@pytest.fixture
def instance(boot: Boot) -> Instance:
    """A healthy instance whose engine has no metrics at all."""
    engine = {"engine_port": 8001, "timed": True, "readings": (), "in_flight_metrics": ()}
    found = boot(weights_uri=None, monitoring=Monitoring(interval_seconds=5), engine=engine)
    found.wait("healthy", lambda: found.report().get("phase") == "healthy")
    return found


def _statistic(instance: Instance, name: str, statistic: str, dimensions: Mapping[str, str]) -> float | None:
    found: dict[str, Any] = instance.cloudwatch.get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=datetime.now(UTC) - timedelta(hours=2),
        EndTime=datetime.now(UTC) + timedelta(hours=1),
        Period=3 * 3600,
        Statistics=[statistic],
    )
    values = [point[statistic] for point in found["Datapoints"]]
    return float(sum(values)) if values else None


def test_what_clients_wait_for_is_published(instance: Instance) -> None:
    """A stream and a refusal: counted once, and the time to the first token is what the client saw."""
    client = openai.OpenAI(base_url=f"{instance.engine_url}/v1", api_key=KEY, max_retries=0)
    begun = time.monotonic()
    first = None
    for _ in client.completions.create(model="chat", prompt="Hello", max_tokens=5, stream=True):
        first = first or time.monotonic() - begun
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model="another", prompt="Hello")
    instance.wait("both are published", lambda: _statistic(instance, "Requests", "Sum", RELEASE) == 2)
    assert _statistic(instance, "ClientErrors", "Sum", RELEASE) == 1
    assert _statistic(instance, "ServerErrors", "Sum", RELEASE) == 0
    assert _statistic(instance, "Latency", "SampleCount", RELEASE) == 1
    assert _statistic(instance, "TimeToFirstToken", "Maximum", RELEASE) == pytest.approx(first, abs=0.05)
    with urllib.request.urlopen(f"http://{instance.address}:{METRICS_PORT}/metrics", timeout=5) as response:
        page = response.read().decode()
    assert "llmctl_request_duration_seconds_count" in page
    assert json.dumps("client") in page
