"""The agent with a recorder before its engine: clients notice nothing, and samples reach S3."""

import gzip
import json
import os
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import openai
import pytest

from infra.agent.config import Capture
from tests.functional.agent.conftest import INSTANCE, KEY, Boot, Instance

pytestmark = pytest.mark.slow
_BUCKET = "samples"
_SECRET = "my very own prompt"


@pytest.fixture
def s3(aws: str) -> Any:
    """S3, with an empty bucket of samples."""
    client: Any = boto3.client("s3", endpoint_url=aws)
    client.create_bucket(Bucket=_BUCKET)
    return client


@pytest.fixture
def instance(boot: Boot, s3: Any) -> Instance:
    """A healthy instance that keeps every exchange; its engine listens behind the recorder."""
    capture = Capture(bucket=_BUCKET, rate=1.0, redact=("messages.content", "user"), max_bytes=65536)
    found = boot(weights_uri=None, capture=capture, engine={"engine_port": 8001})
    found.wait("healthy", lambda: found.report().get("phase") == "healthy")
    return found


def _client(instance: Instance) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{instance.engine_url}/v1", api_key=KEY, max_retries=0)


def _samples(s3: Any) -> dict[str, list[dict[str, Any]]]:
    found = s3.list_objects_v2(Bucket=_BUCKET).get("Contents", [])
    contents = {each["Key"]: s3.get_object(Bucket=_BUCKET, Key=each["Key"])["Body"].read() for each in found}
    return {key: list(map(json.loads, gzip.decompress(body).splitlines())) for key, body in contents.items()}


def _recorder(instance: Instance) -> int:
    """The recorder's pid: a child of the agent that runs our module."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent == instance.process.pid and b"infra.agent.recorder_main" in command:
            return int(folder.name)
    return 0


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_samples_are_kept_redacted_and_shipped_before_the_goodbye(instance: Instance, s3: Any) -> None:
    """A stream and a whole answer; when the replica leaves, both are in S3, redacted."""
    client = _client(instance)
    asked: list[Any] = [{"role": "user", "content": _SECRET}]
    whole = client.chat.completions.create(model="chat", messages=asked, max_tokens=3, user="someone@home")
    stream = client.chat.completions.create(
        model="chat",
        messages=asked,
        max_tokens=3,
        stream=True,
        stream_options={"include_usage": True},
        extra_headers={"X-Request-Id": "mine"},
        extra_body={"ignore_eos": True},
    )
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    instance.around.metadata["meta-data/autoscaling/target-lifecycle-state"] = "Terminated"
    assert instance.process.wait(timeout=40) == 0
    assert instance.around.calls[-1]["LifecycleHookName"] == "drained"
    samples = _samples(s3)
    ((key, (first, second)),) = samples.items()
    assert key.startswith("model=chat/release=7/date=")
    assert f"/{INSTANCE}-" in key
    assert first["response"]["choices"][0]["message"]["content"] == whole.choices[0].message.content
    assert second["response"]["choices"][0]["message"]["content"] == streamed
    assert second["response"]["usage"]["completion_tokens"] == 3
    assert (second["request_id"], second["ttft_s"] > 0, first["ttft_s"]) == ("mine", True, None)
    assert [each["slot"] for each in (first, second)] == ["blue", "blue"]
    text = json.dumps(samples)
    for secret in (_SECRET, "someone@home", KEY, "Bearer"):
        assert secret not in text
    assert any("recording" in line for line in instance.lines("agent"))


def test_a_recorder_that_dies_is_back_at_once(instance: Instance) -> None:
    """Nobody reaches the engine without it."""
    first = _recorder(instance)
    os.kill(first, signal.SIGKILL)
    begun = time.monotonic()
    instance.wait("another", lambda: _recorder(instance) not in (0, first), 5)
    instance.wait("answers", instance.engine_answers, 5)
    assert time.monotonic() - begun < 5
    assert instance.report()["phase"] == "healthy"


def test_an_engine_that_dies_in_the_middle_breaks_the_stream_off(instance: Instance) -> None:
    """What is half an answer must look like one; then it is a bad gateway until the engine is back."""
    stream = _client(instance).completions.create(
        model="chat", prompt="hi", max_tokens=500, stream=True, extra_body={"ignore_eos": True}
    )
    chunks = iter(stream)
    next(chunks)
    os.kill(json.loads((instance.root / "run/docker/engine.json").read_text())["pid"], signal.SIGKILL)
    with pytest.raises(openai.APIConnectionError):
        list(chunks)
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{instance.engine_url}/health", timeout=5)
    with error.value:
        assert error.value.code == 502
    instance.wait("healthy again", instance.engine_answers, 30)


def test_a_killed_agent_takes_its_recorder_along(instance: Instance) -> None:
    """A recorder without its agent would answer 502 for ever."""
    recorder = _recorder(instance)
    instance.process.send_signal(signal.SIGKILL)
    instance.process.wait()
    instance.wait("recorder gone", lambda: _gone(recorder), 15)
