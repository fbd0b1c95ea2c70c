"""What an answer says: OpenAI's JSON, whole or chunk by chunk, of chat or completions.

It reads only what is measured. Unknown keys are ignored, wrong types of known ones are a bad body.
"""

from typing import Any

import msgspec
from msgspec import Struct

from infra.bench.sample import Failure, Kind, Sample
from infra.bench.sse import EventParser

DONE = b"[DONE]"


class _Content(Struct):
    """`message` or `delta`; engines differ in what they call thoughts."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[Any] | None = None


class _Choice(Struct):
    text: str | None = None
    delta: _Content | None = None
    message: _Content | None = None
    finish_reason: str | None = None

    def says_something(self) -> bool:
        """Whether this chunk carries any output; the first one of a chat only says who speaks."""
        if self.text:
            return True
        delta = self.delta
        return delta is not None and bool(
            delta.content or delta.reasoning_content or delta.reasoning or delta.refusal or delta.tool_calls
        )


class _Usage(Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Body(Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Body).decode


class Stream:
    """Fills a sample from a streamed answer."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self._events = EventParser()
        self._complete = False

    def feed(self, received: bytes, now: float) -> None:
        """Bytes that came at `now`; raises Failure on an error or a chunk that can't be read."""
        for event in self._events.feed(received):
            if event != DONE:
                self._chunk(_read(event), now)

    def end(self) -> None:
        """The stream ended; raises Failure if the answer had not.

        A finish_reason is the proof. [DONE] is not asked for, nor is it enough: some servers don't send it,
        and others send it after an error.
        """
        if not self._complete:
            raise Failure(Kind.TRUNCATED, "the stream ended without a finish_reason")

    def _chunk(self, body: _Body, now: float) -> None:
        sample = self._sample
        for choice in body.choices or ():
            if choice.says_something():
                sample.token(now)
            if choice.finish_reason:
                self._complete = True
        if body.usage is not None:
            _count(sample, body.usage)


def read_whole(content: bytes, sample: Sample) -> None:
    """Fill a sample from an answer that was not streamed; raises Failure if it isn't one."""
    body = _read(content)
    if not body.choices or any(choice.text is None and choice.message is None for choice in body.choices):
        raise Failure(Kind.BAD_BODY, f"no choices: {_excerpt(content)}")
    if body.usage is not None:
        _count(sample, body.usage)


def _count(sample: Sample, usage: _Usage) -> None:
    sample.prompt_tokens, sample.completion_tokens = usage.prompt_tokens, usage.completion_tokens


def _read(content: bytes) -> _Body:
    try:
        body = _decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Failure(Kind.BAD_BODY, f"{error}: {_excerpt(content)}") from error
    if body.error is not None:
        raise Failure(Kind.SERVER_ERROR, _excerpt(content))
    if body.choices is None and body.usage is None:
        raise Failure(Kind.BAD_BODY, f"neither choices nor usage: {_excerpt(content)}")
    return body


def _excerpt(content: bytes) -> str:
    return content[:500].decode(errors="replace")
