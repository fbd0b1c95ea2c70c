"""The simulator, as clients, balancers and the agent meet it."""

import signal
import threading
import time

import openai
import pytest

from tests.functional.servers.conftest import Running, Start

pytestmark = pytest.mark.slow
KEY = "sk-test"
FAST = {"SIMULATOR_TTFT": "0.01", "SIMULATOR_TIME_PER_TOKEN": "0.002"}
ARGUMENTS = ("--model", "org/model", "--served-model-name", "chat")


@pytest.fixture(scope="module")
def server(start: Start) -> Running:
    """A fast simulator behind a key and a path, with a small batch."""
    return start(
        "simulator", *ARGUMENTS, "--root-path", "/chat", "--max-num-seqs", "2", VLLM_API_KEY=KEY, **FAST
    )


@pytest.fixture(scope="module", params=["", "/chat"])
def client(server: Running, request: pytest.FixtureRequest) -> openai.OpenAI:
    """The official client, without and with the path."""
    return openai.OpenAI(base_url=f"{server.url}{request.param}/v1", api_key=KEY, max_retries=0)


def test_chat_answers_the_same_plain_and_streamed(client: openai.OpenAI) -> None:
    """Two ways to ask, one answer."""
    plain = client.chat.completions.create(
        model="chat", messages=[{"role": "user", "content": "Hello!"}], max_tokens=12
    )
    chunks = list(
        client.chat.completions.create(
            model="chat",
            messages=[{"role": "user", "content": "Hello!"}],
            max_tokens=12,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert plain.choices[0].message.content == text
    assert text.startswith("[simulated]")
    assert plain.usage == chunks[-1].usage
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "length"


def test_completions_answer_plain_and_streamed(client: openai.OpenAI) -> None:
    """The older API as well."""
    plain = client.completions.create(model="chat", prompt="Hello", max_tokens=6)
    chunks = list(client.completions.create(model="chat", prompt="Hello", max_tokens=6, stream=True))
    assert plain.choices[0].text == "".join(chunk.choices[0].text for chunk in chunks)
    assert plain.usage is not None
    assert plain.usage.completion_tokens == 6


def test_model_card_says_what_it_is(client: openai.OpenAI, server: Running) -> None:
    """Nobody may take it for a model."""
    (card,) = client.models.list().data
    assert (card.id, card.owned_by) == ("chat", "simulator")
    assert '"simulator": true' in server.text("/version")
    response = client.with_raw_response.models.list()
    assert response.headers["server"] == "simulator (no model)"


def test_wrong_key_and_wrong_model_are_refused(client: openai.OpenAI, server: Running) -> None:
    """As vLLM refuses them."""
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="wrong").models.list()
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model="other", prompt="Hello")
    open_paths = ("/health", "/chat/health", "/metrics", "/ping", "/version", "/v1/models")
    assert [server.status(path) for path in open_paths] == [200, 200, 200, 200, 200, 401]


def test_metrics_have_vllms_names(client: openai.OpenAI, server: Running) -> None:
    """Dashboards, gates and draining read these."""
    client.completions.create(model="chat", prompt="Hello", max_tokens=4)
    text = server.text("/metrics")
    for name in (
        'vllm:num_requests_running{model_name="chat"} 0.0',
        'vllm:num_requests_waiting{model_name="chat"} 0.0',
        'vllm:kv_cache_usage_perc{model_name="chat"} 0.0',
        'vllm:time_to_first_token_seconds_bucket{le="0.1",model_name="chat"}',
        "vllm:request_time_per_output_token_seconds_sum",
        "vllm:e2e_request_latency_seconds_count",
        "vllm:request_queue_time_seconds_count",
        "vllm:prompt_tokens_total",
        "vllm:generation_tokens_total",
        'vllm:request_success_total{finished_reason="length",model_name="chat"}',
        'vllm:request_success_total{finished_reason="error",model_name="chat"} 0.0',
        'http_requests_total{handler="/v1/completions",method="POST",status="2xx"}',
    ):
        assert name in text


def test_full_batch_makes_others_wait(start: Start) -> None:
    """Queueing is what scaling and routing react to."""
    server = start("simulator", *ARGUMENTS, "--max-num-seqs", "1", SIMULATOR_TTFT="1")
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0)
    threads = [
        threading.Thread(
            target=client.completions.create, kwargs={"model": "chat", "prompt": "hi", "max_tokens": 2}
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    seen = set()
    while any(thread.is_alive() for thread in threads):
        lines = server.text("/metrics").splitlines()
        seen |= {line for line in lines if line.startswith("vllm:num_requests_")}
        time.sleep(0.05)
    assert 'vllm:num_requests_running{model_name="chat"} 1.0' in seen
    assert 'vllm:num_requests_waiting{model_name="chat"} 1.0' in seen
    assert 'vllm:num_requests_running{model_name="chat"} 2.0' not in seen


def test_errors_come_at_the_rate_asked_for(start: Start) -> None:
    """Gates are rehearsed with a known share of failures, evenly spread: four of a hundred are each 25th."""
    server = start("simulator", *ARGUMENTS, SIMULATOR_ERROR_RATE="0.04", SIMULATOR_TTFT="0")
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0)
    failed = []
    for number in range(100):
        try:
            client.completions.create(model="chat", prompt="hi", max_tokens=1)
        except openai.InternalServerError:
            failed.append(number)
    assert failed == [24, 49, 74, 99]
    text = server.text("/metrics")
    assert 'http_requests_total{handler="/v1/completions",method="POST",status="5xx"} 4.0' in text


def test_it_crashes_at_the_request_asked_for(start: Start) -> None:
    """A memory leak kills an engine after so many requests; those before the last are answered."""
    server = start("simulator", *ARGUMENTS, "--crash-after", "3", **FAST)
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0)
    for _ in range(2):
        assert client.completions.create(model="chat", prompt="hi", max_tokens=1).usage
    assert server.status("/health") == 200
    assert server.process.poll() is None
    with pytest.raises(openai.APIConnectionError):
        client.completions.create(model="chat", prompt="hi", max_tokens=1)
    assert server.process.wait(timeout=10) == 137


def test_behaviour_changes_while_it_runs(start: Start) -> None:
    """A replica falls ill and recovers on demand: alarms and gates are rehearsed with it."""
    server = start("simulator", *ARGUMENTS, "--root-path", "/chat", VLLM_API_KEY=KEY)
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY, max_retries=0)
    now = server.post("/chat/simulator", {"error_rate": 1, "metrics": False, "ttft": 0}, KEY)
    assert now == (
        200,
        {"ttft": 0, "time_per_token": 0.01, "error_rate": 1, "garbled": False, "metrics": False},
    )
    assert server.status("/metrics") == 500
    assert server.status("/health") == 200
    with pytest.raises(openai.InternalServerError):
        client.completions.create(model="chat", prompt="Hello", max_tokens=1)
    assert server.post("/simulator", {"error_rate": 0, "metrics": True}, KEY)[0] == 200
    assert server.status("/metrics") == 200
    assert client.completions.create(model="chat", prompt="Hello", max_tokens=1).usage


@pytest.mark.parametrize(
    "wanted",
    [
        {"speed": 2},
        {"metrics": 1},
        {"garbled": 1},
        {"error_rate": 2},
        {"ttft": -1},
        {"ttft": float("nan")},
        ["metrics"],
    ],
)
def test_wrong_behaviour_is_refused(server: Running, wanted: object) -> None:
    """A typo must not look like an engine that stays well, nor change half of what was asked for."""
    before = server.text("/simulator", KEY)
    body = {"error_rate": 1, **wanted} if isinstance(wanted, dict) else wanted
    status, answer = server.post("/simulator", body, KEY)
    assert status == 400
    assert answer["error"]["message"]
    assert server.text("/simulator", KEY) == before


def test_behaviour_asks_for_the_key(server: Running) -> None:
    """Who may not use the model may not break it either."""
    assert server.status("/simulator") == 401
    assert server.post("/simulator", {"metrics": False}, "wrong")[0] == 401
    assert server.status("/metrics") == 200


def test_startup_delays_health(start: Start) -> None:
    """A slow start is what launch hooks and health checks are for."""
    server = start("simulator", *ARGUMENTS, ready="", SIMULATOR_STARTUP="1.5")
    server.wait("/health", 503)
    server.wait("/health", 200)


def test_shutdown_timeout_lets_requests_finish(start: Start) -> None:
    """With vLLM's shutdown time-out a SIGTERM loses no request."""
    server = start("simulator", *ARGUMENTS, "--shutdown-timeout", "30", SIMULATOR_TIME_PER_TOKEN="0.05")
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0)
    stream = client.completions.create(model="chat", prompt="hi", max_tokens=20, stream=True)
    chunks = iter(stream)
    next(chunks)
    server.process.send_signal(signal.SIGTERM)
    assert len(list(chunks)) == 19
    assert server.process.wait(timeout=10) == 0


def test_without_shutdown_timeout_requests_are_cut(start: Start) -> None:
    """The default of vLLM loses requests: a rehearsal must show it."""
    server = start("simulator", *ARGUMENTS, SIMULATOR_TIME_PER_TOKEN="0.05")
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0)
    stream = client.completions.create(
        model="chat", prompt="hi", max_tokens=2000, stream=True, extra_body={"ignore_eos": True}
    )
    chunks = iter(stream)
    next(chunks)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=5) == 0
    with pytest.raises(openai.APIConnectionError):
        list(chunks)


def test_client_that_leaves_frees_its_place(start: Start) -> None:
    """An abandoned stream must not count as in flight for ever."""
    server = start("simulator", *ARGUMENTS, "--max-num-seqs", "1", SIMULATOR_TIME_PER_TOKEN="0.05")
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0)
    stream = client.completions.create(
        model="chat", prompt="hi", max_tokens=2000, stream=True, extra_body={"ignore_eos": True}
    )
    next(iter(stream))
    stream.close()
    deadline = time.monotonic() + 10
    while 'vllm:num_requests_running{model_name="chat"} 1.0' in server.text("/metrics"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert 'finished_reason="abort",model_name="chat"} 1.0' in server.text("/metrics")
