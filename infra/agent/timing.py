"""How long one request took, as it passes the recorder: exactly, with any engine. Pure: told what time it is.

Seconds count from when the request's header had arrived. The *first token* is the first event of a stream
that carries output (text, reasoning, a refusal, a tool call), not the opening one of a chat, which only says
who speaks. The time per token lies between it and the last such event, by the tokens after the first: the
engine's own count (`usage`) if it is told, else the events with output, each of which may hold several. An
answer that is no stream has a duration only, and its body is not looked at. Nothing of any body is kept.
"""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

_DONE = b"[DONE]"
_LONGEST_LINE = 1 << 20
_SAID = ("content", "reasoning_content", "reasoning", "refusal", "tool_calls")


class Outcome(StrEnum):
    """How a request ended."""

    ANSWERED = "answered"
    CLIENT_ERROR = "client"
    """Answered 4xx."""
    SERVER_ERROR = "server"
    """Answered 5xx, with an error in its stream, or not to the end."""
    ABORTED = "aborted"
    """Its client left before the end."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What is told of a request at its end; times in seconds."""

    outcome: Outcome
    duration: float
    first_token: float | None = None
    per_token: float | None = None

    def to_line(self) -> bytes:
        """As one line."""
        return json.dumps(asdict(self), separators=(",", ":")).encode() + b"\n"

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Report":
        """Inverse of `to_line`, of its JSON; raises TypeError, KeyError or ValueError on anything else."""
        return cls(**document | {"outcome": Outcome(document["outcome"])})


class Timing:
    """One request under way. `now` and `begun` are of the same clock, in seconds."""

    def __init__(self, begun: float) -> None:
        self._begun = begun
        self._ended: float | None = None
        self._status: int | None = None
        self._left = False
        self._broken = False
        self._stream = False
        self._rest = b""
        self._first: float | None = None
        self._last = 0.0
        self._events = 0
        self._tokens: int | None = None

    def answered(self, status: int, *, stream: bool) -> None:
        """The answer begins."""
        self._status, self._stream = status, stream

    def said(self, data: bytes, now: float) -> None:
        """The next bytes of the answer."""
        if not self._stream:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            self._stream = False  # no stream of events: nothing more can be told than how long it took
        for line in lines:
            if line.startswith(b"data:"):
                self._event(line[5:].strip(), now)

    def completed(self, now: float) -> None:
        """The answer has ended as it should."""
        self._ended = now

    def left(self) -> None:
        """The client is gone."""
        self._left = True

    def report(self, now: float) -> Report:
        """What became of it; `now` is when it was over, if its answer has no end."""
        outcome = self._outcome()
        ended = now if self._ended is None else self._ended
        if outcome is not Outcome.ANSWERED:
            return Report(outcome=outcome, duration=ended - self._begun)
        return Report(
            outcome=outcome,
            duration=ended - self._begun,
            first_token=None if self._first is None else self._first - self._begun,
            per_token=self._per_token(),
        )

    def _outcome(self) -> Outcome:
        if self._ended is None:
            return Outcome.ABORTED if self._left else Outcome.SERVER_ERROR
        if self._broken or self._status is None or self._status >= 500:
            return Outcome.SERVER_ERROR
        return Outcome.CLIENT_ERROR if self._status >= 400 else Outcome.ANSWERED

    def _per_token(self) -> float | None:
        tokens = self._events if self._tokens is None else self._tokens
        if self._first is None or tokens < 2 or self._events < 2:
            return None
        return (self._last - self._first) / (tokens - 1)

    def _event(self, value: bytes, now: float) -> None:
        if value == _DONE:
            return
        try:
            chunk = json.loads(value)
        except (ValueError, RecursionError):
            return
        if not isinstance(chunk, dict):
            return
        self._broken = self._broken or bool(chunk.get("error"))
        usage = chunk.get("usage")
        if isinstance(usage, dict) and isinstance(usage.get("completion_tokens"), int):
            self._tokens = usage["completion_tokens"]
        if _has_output(chunk.get("choices")):
            self._first = now if self._first is None else self._first
            self._last = now
            self._events += 1


def _has_output(choices: object) -> bool:
    for choice in choices if isinstance(choices, list) else ():
        if not isinstance(choice, dict):
            continue
        delta = choice.get("delta")
        if choice.get("text") or (isinstance(delta, dict) and any(delta.get(each) for each in _SAID)):
            return True
    return False
