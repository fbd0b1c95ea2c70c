"""What is kept of a request and its answer: which ones, how much, and redacted how. Pure: no clock, no I/O.

A record is made here and nowhere else, so nothing is written that has not been through `record`. Headers
never come this far. What a path of `redact` names is replaced as a whole; and because answers repeat what was
asked (`echo`, a model that quotes), strings that were redacted are replaced wherever else they stand in
the bodies. A body that isn't JSON can't be redacted and is never kept.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from infra.agent.capture_stream import Stream

SCHEMA = 1
REDACTED = "[redacted]"
_ENDPOINTS = ("/v1/completions", "/v1/chat/completions", "/v1/embeddings")
_SHORTEST = 4
"""Shorter strings are replaced where a path names them, and left elsewhere: they are parts of other words."""
_ALL = 2**64

Omitted = Literal["size", "not-json", "error"]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a record comes from."""

    environment: str
    model: str
    slot: str
    replica: str
    """Instance id."""


@dataclass(kw_only=True)
class Exchange:
    """A request and its answer, as they came: still to be redacted. Times in seconds, `time` since 1970."""

    request_id: str
    path: str
    time: float
    request: "Body"
    answer: "Body | Stream"
    status: int | None = None
    """None: there was no answer."""
    duration: float = 0.0
    first_byte: float | None = None
    """Until the first byte of a stream's body."""
    complete: bool = False

    @property
    def size(self) -> int:
        """Bytes that it holds in memory, roughly."""
        return self.request.size + self.answer.size


class Body:
    """A body's bytes, up to `limit`; beyond that it is dropped as a whole."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = bytearray()
        self.too_long = False

    @property
    def size(self) -> int:
        """Bytes held."""
        return len(self._data)

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self.too_long or len(self._data) + len(data) > self._limit:
            self.too_long = True
            self._data.clear()
        else:
            self._data += data

    def document(self) -> object:
        """The JSON in it, None when it is empty; raises ValueError or RecursionError if it isn't JSON."""
        return json.loads(self._data, parse_constant=_not_json) if self._data else None


def eligible(method: str, path: str) -> bool:
    """Whether requests of this kind are kept at all: completions, chats and embeddings."""
    return method == "POST" and path.endswith(_ENDPOINTS)


def sampled(request_id: str, rate: float) -> bool:
    """Whether a request belongs to the sample: the same id, the same answer, on every replica."""
    digest = hashlib.sha256(request_id.encode(errors="surrogateescape")).digest()
    return int.from_bytes(digest[:8]) < rate * _ALL


def record(
    exchange: Exchange, origin: Origin, release: int | None, paths: tuple[str, ...]
) -> dict[str, object]:
    """What is kept of an exchange, as docs/samples.md describes it."""
    request, answer, omitted = _bodies(exchange, paths)
    return {
        "schema": SCHEMA,
        "time": datetime.fromtimestamp(exchange.time, UTC).isoformat(timespec="milliseconds"),
        "environment": origin.environment,
        "model": origin.model,
        "slot": origin.slot,
        "release": release,
        "replica": origin.replica,
        "request_id": exchange.request_id,
        "path": exchange.path,
        "status": exchange.status,
        "duration_s": round(exchange.duration, 6),
        "ttft_s": None if exchange.first_byte is None else round(exchange.first_byte, 6),
        "truncated": not exchange.complete,
        "omitted": omitted,
        "request": request,
        "response": answer,
    }


def _bodies(exchange: Exchange, paths: tuple[str, ...]) -> tuple[object, object, Omitted | None]:
    """Both bodies, redacted, and why one is missing. Without the request there is no answer either."""
    secrets: list[str] = []
    paths = (*paths, *(_unstreamed(path) for path in paths))
    try:
        request, omitted = _kept(exchange.request, paths, secrets)
        if omitted:
            return None, None, omitted
        answer, omitted = _kept(exchange.answer, paths, secrets)
        if paths and answer is not None and _failed(exchange, answer):
            # What an error quotes of the request may be written in another way than it stood there.
            answer, omitted = None, "error"
        ordered = sorted({text for text in secrets if len(text) >= _SHORTEST}, key=len, reverse=True)
        return _scrubbed(request, ordered), _scrubbed(answer, ordered), omitted
    except RecursionError:
        return None, None, "not-json"


def _unstreamed(path: str) -> str:
    """The path in a whole answer: someone may have taken it from a stream."""
    return path.replace("choices.delta", "choices.message", 1)


def _failed(exchange: Exchange, answer: object) -> bool:
    return (exchange.status or 0) >= 400 or (isinstance(answer, dict) and "error" in answer)


def _kept(body: Body | Stream, paths: tuple[str, ...], secrets: list[str]) -> tuple[object, Omitted | None]:
    if body.too_long:
        return None, "size"
    try:
        return redacted(body.document(), paths, secrets), None
    except ValueError:
        return None, "not-json"


def redacted(document: object, paths: Iterable[str], secrets: list[str]) -> object:
    """The document without the values at the paths; the strings in them are added to `secrets`.

    Lists are walked through. A key with a dot in it is found by its whole name.
    """
    paths = tuple(paths)
    if not paths:
        return document
    if isinstance(document, list):
        return [redacted(each, paths, secrets) for each in document]
    if isinstance(document, dict):
        return {key: _field(key, value, paths, secrets) for key, value in document.items()}
    return document


def _field(key: str, value: object, paths: tuple[str, ...], secrets: list[str]) -> object:
    if key in paths:
        secrets.extend(_strings(value))
        return REDACTED
    start = f"{key}."
    below = [path.removeprefix(start) for path in paths if path.startswith(start)]
    return redacted(value, below, secrets) if below else value


def _strings(value: object) -> Iterator[str]:
    """Every string in a value, but for the words of the API's own that say what a part is."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key not in ("type", "role"):
                yield from _strings(each)


def _scrubbed(document: Any, secrets: list[str]) -> Any:
    if not secrets:
        return document
    if isinstance(document, str):
        for secret in secrets:
            document = document.replace(secret, REDACTED)
        return document
    if isinstance(document, list):
        return [_scrubbed(each, secrets) for each in document]
    if isinstance(document, dict):
        return {_scrubbed(key, secrets): _scrubbed(value, secrets) for key, value in document.items()}
    return document


def _not_json(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
