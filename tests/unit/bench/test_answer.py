"""What answers say, and how it shows that they don't."""

import pytest

from infra.bench.answer import Stream, read_whole
from infra.bench.sample import Failure, Kind, Sample

ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
LAST = b'data: {"choices":[{"delta":{"content":"."},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":9,"total_tokens":16}}\n\n'
DONE = b"data: [DONE]\n\n"


def token(text: str) -> bytes:
    """The chunk of one token."""
    return b'data: {"choices":[{"delta":{"content":"%s"},"finish_reason":null}]}\n\n' % text.encode()


def read(*pieces: tuple[float, bytes], end: bool = True) -> Sample:
    """A sample of a stream whose pieces came at these moments."""
    sample = Sample(scheduled=0.0)
    stream = Stream(sample)
    for moment, received in pieces:
        stream.feed(received, moment)
    if end:
        stream.end()
    return sample


def test_the_first_token_is_the_first_content() -> None:
    """Chat's opening chunk only says who speaks: it must not make a server look fast."""
    sample = read((0.1, ROLE), (0.5, token("a")), (0.6, token("b")), (1.0, token("c")), (1.1, LAST + DONE))
    assert (sample.first_token, sample.last_token, sample.chunks) == (0.5, 1.1, 4)
    assert sample.longest_gap == pytest.approx(0.4)
    assert sample.generated == 4


def test_the_servers_count_of_tokens_wins_over_chunks() -> None:
    """A chunk may hold several tokens (speculative decoding): usage knows."""
    sample = read((0.1, token("a")), (0.2, LAST + USAGE + DONE))
    assert (sample.chunks, sample.prompt_tokens, sample.generated) == (2, 7, 9)


@pytest.mark.parametrize(
    "delta",
    ['{"reasoning_content":"hm"}', '{"reasoning":"hm"}', '{"tool_calls":[{"index":0}]}', '{"refusal":"no"}'],
)
def test_thoughts_tools_and_refusals_are_tokens(delta: str) -> None:
    """Models that think first have begun to answer when they do."""
    chunk = b'data: {"choices":[{"delta":%s}]}\n\n' % delta.encode()
    assert read((0.3, chunk), (0.4, LAST)).first_token == 0.3


def test_completions_stream_text() -> None:
    """The older API says it in other words."""
    chunk = b'data: {"choices":[{"text":"a","finish_reason":"length"}]}\n\n'
    assert read((0.2, chunk)).chunks == 1


@pytest.mark.parametrize("received", [b"", ROLE, token("a"), token("a") + DONE, LAST[:-2]])
def test_a_stream_without_a_finish_reason_is_truncated(received: bytes) -> None:
    """A clean end of the connection, or even [DONE], doesn't make half an answer whole."""
    with pytest.raises(Failure) as caught:
        read((0.1, received))
    assert caught.value.kind == Kind.TRUNCATED


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (b'{"error":{"message":"CUDA out of memory","code":500}}', Kind.SERVER_ERROR),
        (b"<html>", Kind.BAD_BODY),
        (b'{"choices":[{"delta":{"content":5}}]}', Kind.BAD_BODY),
        (b'{"object":"list"}', Kind.BAD_BODY),
    ],
)
def test_other_events_are_failures_with_an_excerpt(event: bytes, kind: Kind) -> None:
    """Status 200 proves nothing; what came instead is shown."""
    with pytest.raises(Failure) as caught:
        read((0.1, b"data: " + event + b"\n\n"))
    assert caught.value.kind == kind
    assert event.decode() in caught.value.detail


def test_whole_answers_give_usage() -> None:
    """Without streaming there is no first token, but the tokens count."""
    sample = Sample(scheduled=0.0)
    read_whole(
        b'{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":3,"completion_tokens":1}}',
        sample,
    )
    assert (sample.prompt_tokens, sample.generated, sample.first_token) == (3, 1, None)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"choices":[]}', b'{"choices":[{}]}', b"[]", b"\xff"])
def test_a_body_that_is_no_answer_is_bad(body: bytes) -> None:
    """A proxy's page with status 200 is a failure."""
    with pytest.raises(Failure) as caught:
        read_whole(body, Sample(scheduled=0.0))
    assert caught.value.kind == Kind.BAD_BODY
