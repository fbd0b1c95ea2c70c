"""What is kept of requests: which, how much, and what must never be."""

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.agent.capture import REDACTED, Body, Exchange, Origin, eligible, record, redacted, sampled
from infra.agent.capture_stream import Stream

ORIGIN = Origin(environment="staging", model="chat", slot="blue", replica="i-1")
SECRET = "s3cr3t-"
keys = st.text("ab.c", min_size=1, max_size=3)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=20,
)


def exchange(request: object, answer: object, *, status: int = 200, limit: int = 1 << 20) -> Exchange:
    """A finished exchange of JSON bodies."""
    asked, told = Body(limit), Body(limit)
    asked.feed(json.dumps(request).encode())
    told.feed(json.dumps(answer).encode())
    return Exchange(
        request_id="r1",
        path="/v1/completions",
        time=1_795_374_000.5,
        request=asked,
        answer=told,
        status=status,
        complete=True,
    )


def planted(document: object, parts: list[str]) -> object:
    """The document with a secret at a path, through whatever lists are on the way."""
    if not parts:
        return [f"{SECRET}1", {"deep": f"{SECRET}2 and more"}]
    if isinstance(document, list) and document:
        return [planted(each, parts) for each in document]
    base = document if isinstance(document, dict) else {}
    return base | {parts[0]: planted(base.get(parts[0]), parts[1:])}


@given(documents, documents, st.lists(st.lists(keys, min_size=1, max_size=3), min_size=1, max_size=3))
def test_nothing_redacted_survives(request: object, answer: object, places: list[list[str]]) -> None:
    """Whatever the bodies look like, a value that a path names is nowhere in the record."""
    for parts in places:
        request, answer = planted(request, parts), planted(answer, parts)
    paths = tuple(".".join(parts) for parts in places)
    kept = json.dumps(record(exchange(request, answer), ORIGIN, 3, paths))
    assert SECRET not in kept


@given(documents, st.lists(keys, max_size=3))
def test_redaction_touches_nothing_else(document: object, paths: list[str]) -> None:
    """A document keeps its shape, and every value that no path names."""

    def check(before: Any, after: Any, below: list[str]) -> None:
        if isinstance(before, list):
            assert len(before) == len(after)
            for one, other in zip(before, after, strict=True):
                check(one, other, below)
        elif isinstance(before, dict):
            assert before.keys() == after.keys()
            for key in before:
                if key in below:
                    assert after[key] == REDACTED
                else:
                    start = f"{key}."
                    rest = [path.removeprefix(start) for path in below if path.startswith(start)]
                    check(before[key], after[key], rest)
        else:
            assert before == after

    check(document, redacted(document, paths, []), paths)


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": [{"text": "you said: my number is 0171-55 5"}]},
        {"choices": [{"message": {"content": "0171-55 5"}}], "echo": {"0171-55 5": 1}},
    ],
)
def test_an_answer_that_repeats_the_question_gives_nothing_away(answer: dict[str, Any]) -> None:
    """`echo`, or a model that quotes, would tell what was redacted in the request."""
    request = {"prompt": ["my number is 0171-55 5", "0171-55 5"], "user": "0171-55 5"}
    kept = json.dumps(record(exchange(request, answer), ORIGIN, 3, ("prompt", "user")))
    assert "0171" not in kept


def test_an_error_is_kept_without_its_text_where_anything_is_redacted() -> None:
    """Errors quote requests in forms of their own; without redaction they are worth reading."""
    failed = exchange({"prompt": "tell\nme"}, {"error": {"message": "bad input 'tell\\\\nme'"}}, status=400)
    kept = record(failed, ORIGIN, 3, ("prompt",))
    assert (kept["response"], kept["omitted"]) == (None, "error")
    assert kept["request"] == {"prompt": REDACTED}
    assert record(failed, ORIGIN, 3, ())["response"] == {"error": {"message": "bad input 'tell\\\\nme'"}}


@pytest.mark.parametrize(
    ("request_body", "answer", "limit", "omitted"),
    [
        (b"prompt=secret", b"{}", 100, "not-json"),
        (b'{"a": NaN}', b"{}", 100, "not-json"),
        (b"[" * 50_000 + b"]" * 50_000, b"{}", 1 << 20, "not-json"),
        (b"\x1f\x8b\x08secret", b"{}", 100, "not-json"),
        (b'{"a": "secret"}', b"{}", 10, "size"),
    ],
)
def test_what_cant_be_redacted_is_not_kept(
    request_body: bytes, answer: bytes, limit: int, omitted: str
) -> None:
    """A body that isn't JSON, or is too long, leaves only the fact of the request."""
    asked, told = Body(limit), Body(limit)
    asked.feed(request_body)
    told.feed(answer)
    kept = record(
        Exchange(request_id="r", path="/v1/completions", time=0.0, request=asked, answer=told), ORIGIN, 1, ()
    )
    assert (kept["request"], kept["response"], kept["omitted"]) == (None, None, omitted)
    assert "secret" not in json.dumps(kept)


def test_a_record_says_what_the_documentation_says() -> None:
    """One example in full: jobs read these fields."""
    kept = exchange({"prompt": "hi"}, {"choices": [{"text": "ho"}]})
    kept.duration, kept.first_byte = 1.25, 0.125
    assert record(kept, ORIGIN, 3, ()) == {
        "schema": 1,
        "time": "2026-11-22T19:00:00.500+00:00",
        "environment": "staging",
        "model": "chat",
        "slot": "blue",
        "release": 3,
        "replica": "i-1",
        "request_id": "r1",
        "path": "/v1/completions",
        "status": 200,
        "duration_s": 1.25,
        "ttft_s": 0.125,
        "truncated": False,
        "omitted": None,
        "request": {"prompt": "hi"},
        "response": {"choices": [{"text": "ho"}]},
    }


@given(st.floats(0.01, 1.0), st.integers(0, 1000))
def test_the_rate_is_kept(rate: float, salt: int) -> None:
    """Of many ids the share that was asked for is sampled, within four standard deviations."""
    count = 2000
    found = sum(sampled(f"{salt}-{number}", rate) for number in range(count))
    assert abs(found - count * rate) <= 4.5 * math.sqrt(count * rate * (1 - rate)) + 1


@given(st.text(max_size=20), st.floats(0, 1), st.floats(0, 1))
def test_sampling_is_stable_and_nested(request_id: str, one: float, other: float) -> None:
    """The same id gives the same answer, and what a low rate keeps, a higher one keeps too."""
    low, high = sorted((one, other))
    assert sampled(request_id, high) or not sampled(request_id, low)
    assert sampled(request_id, 1.0)
    assert not sampled(request_id, 0.0)


def test_only_completions_chats_and_embeddings_are_eligible() -> None:
    """Health checks, lists and everything unknown are nobody's sample."""
    for path in ("/v1/completions", "/v1/chat/completions", "/v1/embeddings", "/chat/v1/completions"):
        assert eligible("POST", path)
        assert not eligible("GET", path)
    for path in ("/health", "/metrics", "/v1/models", "/v1/audio/transcriptions", "/v1/completions/x"):
        assert not eligible("POST", path)


def event(document: object) -> bytes:
    """A server-sent event."""
    return b"data: " + json.dumps(document).encode() + b"\n\n"


def chat(index: int = 0, reason: str | None = None, **delta: Any) -> dict[str, Any]:
    """A chunk of a chat."""
    return {
        "id": "c1",
        "model": "chat",
        "choices": [{"index": index, "delta": delta, "finish_reason": reason}],
        "usage": None,
    }


def tool(arguments: str, **rest: Any) -> dict[str, Any]:
    """A chunk of a tool call."""
    return chat(tool_calls=[{"index": 0, **rest, "function": {"arguments": arguments}}])


CHUNKS = [
    chat(role="assistant", content=""),
    chat(content="Hal"),
    chat(1, content="Bon"),
    chat(content="lo"),
    chat(1, "length", content="jour"),
    tool('{"a"', id="t1", type="function"),
    tool(": 1}"),
    chat(reason="stop"),
    {"id": "c1", "model": "chat", "choices": [], "usage": {"completion_tokens": 5}},
]
WHOLE = b": a comment\n\n" + b"".join(map(event, CHUNKS)) + b"data: [DONE]\n\n"


@given(st.lists(st.integers(0, len(WHOLE)), max_size=20))
def test_a_stream_becomes_one_answer_however_it_is_cut(cuts: list[int]) -> None:
    """Texts are joined, tool calls by their index, reasons and usage taken last, whatever the pieces."""
    stream = Stream(10_000)
    edges = [0, *sorted(cuts), len(WHOLE)]
    for start, end in pairwise(edges):
        stream.feed(WHOLE[start:end])
    call = {"index": 0, "id": "t1", "type": "function", "function": {"arguments": '{"a": 1}'}}
    first = {"role": "assistant", "content": "Hallo", "tool_calls": [call]}
    assert stream.document() == {
        "id": "c1",
        "model": "chat",
        "choices": [
            {"index": 0, "message": first, "finish_reason": "stop"},
            {"index": 1, "message": {"content": "Bonjour"}, "finish_reason": "length"},
        ],
        "usage": {"completion_tokens": 5},
    }


@given(st.lists(documents | st.dictionaries(st.just("choices"), documents), max_size=5))
def test_no_stream_breaks_the_watcher(chunks: list[object]) -> None:
    """An engine may send what it likes: it is put together, or not kept."""
    stream = Stream(1000)
    for chunk in chunks:
        stream.feed(event(chunk))
    try:
        json.dumps(stream.document())
    except ValueError:
        assert any(not isinstance(chunk, dict) for chunk in chunks)


def test_a_long_stream_is_not_kept() -> None:
    """The limit holds for what is put together, not for the many bytes around each token."""
    stream = Stream(200)
    for _ in range(5000):
        stream.feed(event(chat(content="token ")))
    assert stream.too_long
    assert stream.document() is None


@pytest.mark.parametrize("path", ["choices.message.content", "choices.delta.content"])
def test_streams_are_redacted_by_either_name(path: str) -> None:
    """Whoever asks for the text not to be kept may have looked at a stream or at an answer."""
    stream = Stream(10_000)
    stream.feed(WHOLE)
    kept = exchange({"stream": True}, None)
    kept.answer = stream
    text = json.dumps(record(kept, ORIGIN, 3, (path,)))
    assert "Hallo" not in text
    assert "Bonjour" not in text


SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "sample.schema.json").read_text())


@given(
    documents, documents, st.sampled_from([200, 400, 502, None]), st.booleans(), st.sampled_from([5, 9999])
)
def test_every_record_fits_the_published_schema(
    request: object, answer: object, status: int | None, streamed: bool, limit: int
) -> None:
    """Jobs that read samples rely on the file in docs/."""
    found = exchange(request, answer, limit=limit)
    found.status = status
    if streamed:
        found.answer = Stream(limit)
        found.answer.feed(event(answer))
        found.first_byte = 0.5
    jsonschema.validate(record(found, ORIGIN, None if streamed else 3, ("a",)), SCHEMA)
