"""The simulator's pure parts: settings, invented answers, OpenAI's shapes."""

import json
from typing import Any

import pytest

from infra.embedded.image.servers.simulator.replies import BadRequest, Reply, Request, parse
from infra.embedded.image.servers.simulator.settings import read
from infra.embedded.image.servers.simulator.text import invent


def request(body: dict[str, Any], *, chat: bool = True) -> Request:
    """Parse a body for a model named chat."""
    return parse(json.dumps(body).encode(), chat=chat, names=("chat",), max_model_len=100, seed=0)


def test_environment_and_arguments_set_the_behaviour() -> None:
    """A release's environment makes it slow or faulty; an argument wins over it."""
    settings = read(["--ttft", "0.5"], {"SIMULATOR_TTFT": "9", "SIMULATOR_ERROR_RATE": "0.25"})
    assert (settings.ttft, settings.error_rate, settings.time_per_token) == (0.5, 0.25, 0.01)


def test_arguments_of_other_engines_are_accepted_and_listed() -> None:
    """The simulator stands in for several engines; what it ignores, it says."""
    line = "--model-path Qwen/Q --served-model-name chat --tp-size 4 --trust-remote-code --root-path /chat"
    settings = read(line.split(), {})
    assert settings.not_simulated == ("--tp-size", "--trust-remote-code")
    assert (settings.model, settings.names, settings.root_path) == ("Qwen/Q", ("chat",), "/chat")


@pytest.mark.parametrize("arguments", [["--error-rate", "2"], ["--ttft", "-1"], ["--max-num-seqs", "0"]])
def test_impossible_values_are_refused(arguments: list[str]) -> None:
    """A rehearsal with a value that means nothing proves nothing."""
    with pytest.raises(SystemExit):
        read(arguments, {})


def test_answers_repeat_and_depend_on_the_prompt() -> None:
    """Comparing two releases needs the same answers; caching bugs need different ones."""
    assert invent("a", seed=1, limit=None) == invent("a", seed=1, limit=None)
    assert invent("a", seed=1, limit=None) != invent("b", seed=1, limit=None)
    assert invent("a", seed=1, limit=None).text.startswith("[simulated]")


def test_a_broken_chat_template_answers_beside_the_point() -> None:
    """Nothing but the words tells: as long and as repeatable as the right answer, and still marked."""
    right, wrong = invent("a", seed=1, limit=None), invent("a", seed=1, limit=None, garbled=True)
    assert len(right.tokens) == len(wrong.tokens)
    assert set(right.tokens[1:]).isdisjoint(wrong.tokens[1:])
    assert wrong == invent("a", seed=1, limit=None, garbled=True)
    assert wrong.text.startswith("[simulated]")


@pytest.mark.parametrize(
    ("arguments", "variables", "garbled"),
    [
        ([], {}, False),
        (["--garbled"], {}, True),
        (["--garbled", "true"], {}, True),
        (["--garbled", "--ttft", "0"], {}, True),
        ([], {"SIMULATOR_GARBLED": "true"}, True),
        (["--garbled", "false"], {"SIMULATOR_GARBLED": "true"}, False),
    ],
)
def test_a_release_may_have_a_broken_template(
    arguments: list[str], variables: dict[str, str], garbled: bool
) -> None:
    """`garbled: true` under engine.args becomes a bare flag; the variable and an explicit word work too."""
    assert read(arguments, variables).garbled is garbled


def test_limit_decides_the_finish_reason() -> None:
    """Clients tell a cut answer from a complete one."""
    cut = invent("a", seed=1, limit=3)
    assert (len(cut.tokens), cut.finish_reason) == (3, "length")
    assert invent("a", seed=1, limit=1000).finish_reason == "stop"
    assert len(invent("a", seed=1, limit=500, ignore_end=True).tokens) == 500


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"model": "other", "messages": [{"role": "user"}]}, 404, "does not exist"),
        ({"messages": []}, 400, "at least one message"),
        ({"messages": ["hi"]}, 400, "object with a role"),
        ({"messages": [{"role": "user"}], "n": 2}, 400, "n must be 1"),
        ({"messages": [{"role": "user"}], "max_tokens": 0}, 400, "at least 1"),
        ({"messages": [{"role": "user"}], "max_tokens": 101}, 400, "maximum context length is 100"),
    ],
)
def test_wrong_requests_are_refused(body: dict[str, Any], status: int, message: str) -> None:
    """A client's mistake must fail in rehearsal as it would in production."""
    with pytest.raises(BadRequest, match=message) as raised:
        request(body)
    assert raised.value.status == status


def test_stream_chunks_have_the_apis_shape() -> None:
    """Client libraries read these fields."""
    wanted = request({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2})
    reply = Reply(id="x", created=1, model="chat", request=wanted)
    opening = reply.opening()
    assert opening is not None
    assert opening["object"] == "chat.completion.chunk"
    assert opening["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    last = reply.token(" amber", "length")
    assert last["choices"][0] == {
        "index": 0,
        "delta": {"content": " amber"},
        "logprobs": None,
        "finish_reason": "length",
    }
    assert reply.usage(2)["choices"] == []
    assert reply.usage(2)["usage"]["total_tokens"] == 4
