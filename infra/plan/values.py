"""How two values of a Terraform attribute differ, part by part. Pure.

Attributes that carry a document in a text - IAM policies, dashboards, items of tables, an instance's user
data - are opened first: "base64 changed" tells a reviewer nothing.
"""

import base64
import binascii
import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Secret:
    """Stands for a value that nobody may see; equal to another one if the values were."""

    digest: str

    def __str__(self) -> str:
        return "(sensitive)"


def secret(value: Any) -> Secret:
    """What stands for `value`."""
    return Secret(hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest())


_PRINTABLE = 0.95
_SHORTEST_BASE64 = 40


@dataclass(frozen=True)
class Difference:
    """One part of an attribute that changes."""

    path: str
    """Such as `tags.team` or `ingress.0.cidr_blocks`."""
    before: Any
    """None: it isn't there."""
    after: Any
    """None: it won't be there, or isn't known yet."""
    unknown: bool = False
    """Whether only the apply will tell."""
    replaces: bool = False
    """Whether the resource is replaced because of it."""
    lines: tuple[str, ...] = ()
    """For a text of many lines: those that go (`-`) and come (`+`), instead of the whole."""


Path = tuple[str, ...]


def differences(
    before: Any, after: Any, unknown: Any = None, causes: Sequence[Path] = ()
) -> Iterator[Difference]:
    """How two values differ; `unknown` marks what the apply will tell, `causes` what forces a replacement."""
    yield from _walk((), before, after, unknown, causes)


def opened(value: Any) -> Any:
    """What a text holds: a JSON document, or the text behind its base64; anything else is what it is."""
    if not isinstance(value, str):
        return value
    text = _decoded(value)
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _walk(path: Path, before: Any, after: Any, unknown: Any, causes: Sequence[Path]) -> Iterator[Difference]:
    if unknown is True:
        yield _difference(path, before, None, causes, unknown=True)
        return
    before, after = opened(before), opened(after)
    if before == after and not _holds_true(unknown):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        marks = unknown if isinstance(unknown, dict) else {}
        for key in sorted({*before, *after, *marks}):
            yield from _walk((*path, key), before.get(key), after.get(key), marks.get(key), causes)
    elif _are_alike(before, after):
        each_unknown = unknown if isinstance(unknown, list) else [None] * len(before)
        for index, (old, new, mark) in enumerate(zip(before, after, each_unknown, strict=False)):
            yield from _walk((*path, str(index)), old, new, mark, causes)
    elif _counts(before) or _counts(after):
        yield _difference(path, before, after, causes)


def _holds_true(unknown: Any) -> bool:
    """Whether anything in it is unknown: Terraform also writes false, and containers of nothing."""
    if isinstance(unknown, dict | list):
        return any(map(_holds_true, unknown.values() if isinstance(unknown, dict) else unknown))
    return unknown is True


def _counts(value: Any) -> bool:
    """Whether it says anything: Terraform writes null, "", [] and {} for what isn't set."""
    return value is False or bool(value) or (isinstance(value, int | float) and value == 0)


def _are_alike(before: Any, after: Any) -> bool:
    """Whether two lists hold blocks that can be compared one by one."""
    return (
        isinstance(before, list)
        and isinstance(after, list)
        and len(before) == len(after)
        and all(isinstance(each, dict | list) for each in (*before, *after))
    )


def _difference(
    path: Path, before: Any, after: Any, causes: Sequence[Path], *, unknown: bool = False
) -> Difference:
    replaces = any(cause[: len(path)] == path or path[: len(cause)] == cause for cause in causes)
    lines = () if unknown else _lines(before, after)
    return Difference(".".join(path), shown(before), shown(after), unknown, replaces, lines)


def _lines(before: Any, after: Any) -> tuple[str, ...]:
    if not (isinstance(before, str) and isinstance(after, str)) or "\n" not in before + after:
        return ()
    found = difflib.unified_diff(_spread(before), _spread(after), n=0, lineterm="")
    return tuple(f"{line[0]} {line[1:].strip()}" for line in found if line[:3] not in ("---", "+++", "@@ "))


def _spread(text: str) -> list[str]:
    """The lines of a text; one that is a JSON object is spread over many, so that the change in it shows."""
    lines = []
    for line in text.splitlines():
        value = opened(line.strip())
        lines += json.dumps(value, indent=1).splitlines() if isinstance(value, dict) else [line]
    return lines


def _decoded(text: str) -> str:
    """The text behind base64, if it is that: of a length, and printable when decoded."""
    if len(text) < _SHORTEST_BASE64 or len(text) % 4:
        return text
    try:
        decoded = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return text
    readable = sum(letter.isprintable() or letter.isspace() for letter in decoded)
    return decoded if readable >= _PRINTABLE * len(decoded) else text


def shown(value: Any) -> Any:
    """The value as it may be shown: with a word for each secret in it."""
    match value:
        case Secret():
            return str(value)
        case dict():
            return {key: shown(each) for key, each in value.items()}
        case list():
            return [shown(each) for each in value]
        case _:
            return value


def as_text(value: Any) -> str:
    """A value on one line, as a person would write it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:.12g}"
        case Mapping() | list() | tuple():
            return json.dumps(value, default=str)
        case _:
            return str(value)
