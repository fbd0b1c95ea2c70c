"""Golden prompts: a JSONL file, one prompt a line, each with what its answer is measured by.

It is read and checked as a whole before anything is asked: a typing error on the last line must not show
in the middle of a rollout. Every message names file and line.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from infra.errors import Refused

_MAX_TOKENS = 256
_HOTTEST = 2.0


@dataclass(frozen=True, kw_only=True)
class GoldenPrompt:
    """One question, and what is known of a good answer to it."""

    id: str
    ask: str | tuple[Mapping[str, Any], ...]
    """A text for the completions API, or messages for the chat API."""
    reference: str | None = None
    """A good answer."""
    pattern: str | None = None
    """A regular expression that a good answer contains."""
    schema: Mapping[str, Any] | None = None
    """The JSON Schema of a good answer."""
    max_tokens: int = _MAX_TOKENS
    temperature: float = 0.0
    seed: int | None = None

    @property
    def text(self) -> str:
        """The question in words, for people and judges."""
        if isinstance(self.ask, str):
            return self.ask
        return "\n".join(f"{each.get('role', '?')}: {_words(each.get('content'))}" for each in self.ask)


def load(path: Path) -> tuple[GoldenPrompt, ...]:
    """All prompts of a file, in its order. Raises `Refused` for a file that can't be read or used."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(
            f"golden prompts {path}: {error}", hint="a path is relative to the file it is in"
        ) from error
    return parse(text, place=str(path))


def parse(text: str, *, place: str) -> tuple[GoldenPrompt, ...]:
    """The prompts of a JSONL text. Raises `Refused` for the first wrong line; `place` is the file's name."""
    prompts: dict[str, GoldenPrompt] = {}
    # Not `splitlines`: a line separator inside a JSON text is no new line of the file.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        prompt = _prompt(line, f"{place}:{number}")
        if prompt.id in prompts:
            raise Refused(f"{place}:{number}: the id {prompt.id!r} is there twice", hint="scores go by id")
        prompts[prompt.id] = prompt
    if not prompts:
        raise Refused(f"{place}: there is no prompt in it", hint="docs/golden.md has the format")
    return tuple(prompts.values())


def _prompt(line: str, place: str) -> GoldenPrompt:
    try:
        raw = json.loads(line)
    except ValueError as error:
        raise Refused(f"{place}: not JSON: {error}", hint="one JSON object on each line") from error
    if not isinstance(raw, dict) or len(raw.keys() & {"prompt", "messages"}) != 1:
        raise Refused(f'{place}: a line is an object that has either "prompt" or "messages"')
    ask = _text(raw.pop("prompt"), f"{place}: prompt") if "prompt" in raw else _messages(raw, place)
    if unknown := sorted(raw.keys() - _CHECKS.keys()):
        known = ", ".join(field.name for field in fields(GoldenPrompt) if field.name != "ask")
        raise Refused(f"{place}: unknown: {', '.join(unknown)}", hint=f"prompt or messages, and: {known}")
    if "id" not in raw:
        raise Refused(f"{place}: id is missing", hint="any text; scores and reports go by it")
    return GoldenPrompt(
        ask=ask, **{key: _CHECKS[key](value, f"{place}: {key}") for key, value in raw.items()}
    )


def _messages(raw: dict[str, Any], place: str) -> tuple[Mapping[str, Any], ...]:
    messages = raw.pop("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused(f"{place}: messages is not a list with at least one message")
    if not all(isinstance(each, dict) and isinstance(each.get("role"), str) for each in messages):
        raise Refused(f"{place}: a message is not an object with a role")
    return tuple(messages)


def _text(value: object, place: str) -> str:
    if not isinstance(value, str) or not value:
        raise Refused(f"{place} is not a text, or is empty")
    return value


def _pattern(value: object, place: str) -> str:
    text = _text(value, place)
    try:
        re.compile(text)
    except re.error as error:
        raise Refused(f"{place} is not a regular expression: {error}") from error
    return text


def _schema(value: object, place: str) -> object:
    from jsonschema import SchemaError
    from jsonschema.validators import validator_for

    if not isinstance(value, dict):
        raise Refused(f"{place} is not a JSON Schema: an object")
    try:
        validator_for(value).check_schema(value)
    except SchemaError as error:
        raise Refused(f"{place} is not a JSON Schema: {error.message}") from error
    return value


def _whole(value: object, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refused(f"{place} is not a whole number: {value!r}")
    return value


def _length(value: object, place: str) -> int:
    number = _whole(value, place)
    if number < 1:
        raise Refused(f"{place} is less than 1: {number}")
    return number


def _temperature(value: object, place: str) -> float:
    right = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _HOTTEST
    if not right:
        raise Refused(f"{place} is not a number from 0 to {_HOTTEST:g}: {value!r}")
    return float(value)  # type: ignore[arg-type]


_CHECKS: Mapping[str, Callable[[object, str], Any]] = {
    "id": _text,
    "reference": _text,
    "pattern": _pattern,
    "schema": _schema,
    "max_tokens": _length,
    "temperature": _temperature,
    "seed": _whole,
}


def _words(content: object) -> str:
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return "" if content is None else str(content)
