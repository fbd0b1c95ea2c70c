"""A streamed answer, put together as if it had not been streamed: one document, in bounded memory.

Server-sent events arrive in pieces of any size. Each is merged into what is there: texts are appended, the
parts of a tool call by their index, and everything else is replaced by what came last. What isn't an event of
the OpenAI API makes the whole answer unkept; nothing here raises into the stream that it watches.
"""

import json
from typing import Any

_DONE = b"[DONE]"
_LONGEST_LINE = 1 << 20
_REPLACED = frozenset({"role", "id", "type", "name", "finish_reason", "stop_reason"})
"""Strings that are said, perhaps again, and not continued."""


class Stream:
    """An answer as its events arrive, up to `limit` bytes of what they carry."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = bytearray()
        self._answer: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}
        self._broken = False
        self.size = 0
        self.too_long = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self.too_long or self._broken:
            return
        self._rest += data
        *lines, rest = bytes(self._rest).split(b"\n")
        self._rest = bytearray(rest)
        self._broken = len(rest) > _LONGEST_LINE
        for line in lines:
            self._line(line.strip())

    def document(self) -> object:
        """The answer so far, None when nothing came; raises ValueError if it was no stream of JSON."""
        if self._broken:
            raise ValueError("not a stream of JSON events")
        if not self._answer and not self._choices:
            return None
        choices = [self._choices[index] for index in sorted(self._choices)]
        return {**self._answer, "choices": choices}

    def _line(self, line: bytes) -> None:
        value = line.removeprefix(b"data:").strip()
        if self.too_long or not line.startswith(b"data:") or value == _DONE:
            return
        try:
            chunk = json.loads(value)
            if not isinstance(chunk, dict):
                raise ValueError("an event is an object")
            self._merge(chunk)
        except (ValueError, RecursionError):
            self._broken = True

    def _merge(self, chunk: dict[str, Any]) -> None:
        for choice in _objects(chunk.pop("choices", None)):
            index = choice.get("index")
            kept = self._choices.setdefault(index if isinstance(index, int) else 0, {})
            if isinstance(choice.get("delta"), dict):
                choice["message"] = choice.pop("delta")  # where it stands in an answer that isn't streamed
            self._count(merge(kept, choice))
            if self.too_long:
                return
        for key, value in chunk.items():
            if value is not None:
                self._count(0 if key in self._answer else _length(value))
                self._answer[key] = value

    def _count(self, size: int) -> None:
        self.size += size
        if self.size > self._limit:
            self.too_long = True
            self._answer.clear()
            self._choices.clear()


def merge(into: dict[str, Any], delta: dict[str, Any]) -> int:
    """Continue a part of an answer; returns roughly the bytes that were added."""
    added = 0
    for key, value in delta.items():
        known = into.get(key)
        if value is None:
            into.setdefault(key, None)
        elif isinstance(value, str) and isinstance(known, str) and key not in _REPLACED:
            into[key] = known + value
            added += len(value)
        elif isinstance(value, dict):
            into[key] = known = known if isinstance(known, dict) else {}
            added += merge(known, value)
        elif isinstance(value, list):
            into[key] = known = known if isinstance(known, list) else []
            added += _extend(known, value)
        else:
            into[key] = value
            added += 0 if key in _REPLACED else _length(value)
    return added


def _extend(into: list[Any], items: list[Any]) -> int:
    """Continue a list: items with an index are parts of the same thing, others are further ones."""
    added = 0
    for item in items:
        index = item.get("index") if isinstance(item, dict) else None
        same = next((each for each in _objects(into) if each.get("index") == index), None)
        if index is not None and same is not None:
            added += merge(same, item)
        else:
            into.append(item)
            added += _length(item)
    return added


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _length(value: object) -> int:
    return len(value) if isinstance(value, str) else len(json.dumps(value))
