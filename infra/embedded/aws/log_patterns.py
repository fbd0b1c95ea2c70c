"""Filter patterns of log events: plain terms, and conditions on JSON fields.

Terms: all bare or quoted ones must occur, `-term` must not, and of `?term`s one must. JSON:
`{ $.field = value }` with = != < <= > >=, IS NULL, IS TRUE, IS FALSE, EXISTS, NOT EXISTS, `*` in texts, `&&`,
`||` and parentheses.
Space-delimited patterns in brackets and regular expressions between % are refused.
"""

import fnmatch
import json
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

_TERM = re.compile(r'\s*([-?]?)("(?:[^"\\]|\\.)*"|[^\s"]+)')
_TOKEN = re.compile(
    r"""\s*(&&|\|\||[()]|!=|<=|>=|=|<|>|\bIS\b|\bNOT\b|\bEXISTS\b|\bNULL\b|\bTRUE\b|\bFALSE\b"""
    r"""|"(?:[^"\\]|\\.)*"|\$[\w.\[\]-]+|[^\s()&|=<>!"]+)""",
    re.IGNORECASE,
)
_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]")
_ORDERED: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS = {"NULL": None, "TRUE": True, "FALSE": False}
_NOTHING = object()
"""A field that is not there; null is one that is."""


class BadPatternError(ValueError):
    """A filter pattern that is wrong, or not emulated; the text says why."""


@dataclass(frozen=True)
class Event:
    """A log event's message."""

    message: str

    @cached_property
    def document(self) -> Any:
        """The message as JSON, None if it is none."""
        try:
            return json.loads(self.message) if self.message.lstrip().startswith("{") else None
        except ValueError:
            return None


Matches = Callable[[Event], bool]


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Matches:
    """What a filter pattern asks of an event. Raises BadPatternError."""
    text = pattern.strip()
    if text.startswith("{") and text.endswith("}"):
        return _Conditions(text[1:-1]).matches
    if text.startswith(("[", "%")):
        raise BadPatternError("space-delimited patterns and regular expressions are not emulated")
    return _terms(text)


def field(document: Any, selector: str) -> Any:
    """The value that `$.path[0].name` selects, None if there is none."""
    found = _select(document, selector)
    return None if found is _NOTHING else found


def _terms(text: str) -> Matches:
    terms = [(kind, word.strip('"').replace('\\"', '"')) for kind, word in _TERM.findall(text)]
    needed = [word for kind, word in terms if kind == ""]
    refused = [word for kind, word in terms if kind == "-"]
    optional = [word for kind, word in terms if kind == "?"]

    def matches(event: Event) -> bool:
        return (
            all(word in event.message for word in needed)
            and not any(word in event.message for word in refused)
            and (not optional or any(word in event.message for word in optional))
        )

    return matches


def _select(document: Any, selector: str) -> Any:
    found = document
    for name, index in _STEP.findall(selector):
        if name and isinstance(found, dict) and name in found:
            found = found[name]
        elif index and isinstance(found, list) and int(index) < len(found):
            found = found[int(index)]
        else:
            return _NOTHING
    return found


class _Conditions:
    """Conditions on JSON, read once: a condition binds closest, then &&, then ||."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._test = self._either()
        if self._tokens:
            raise BadPatternError(f"the pattern goes on after its end: {' '.join(self._tokens)}")

    def matches(self, event: Event) -> bool:
        return isinstance(event.document, dict) and self._test(event.document)

    def _either(self) -> Callable[[Any], bool]:
        tests = [self._both()]
        while self._take("||"):
            tests.append(self._both())
        return lambda document: any(test(document) for test in tests)

    def _both(self) -> Callable[[Any], bool]:
        tests = [self._one()]
        while self._take("&&"):
            tests.append(self._one())
        return lambda document: all(test(document) for test in tests)

    def _one(self) -> Callable[[Any], bool]:
        if self._take("("):
            inner = self._either()
            if not self._take(")"):
                raise BadPatternError("the pattern lacks a closing parenthesis")
            return inner
        selector, comparison = self._next(), self._next().upper()
        if not selector.startswith("$"):
            raise BadPatternError(f"a condition begins with $., not with {selector!r}")
        if comparison in ("EXISTS", "NOT"):
            wanted = comparison == "EXISTS"
            if not wanted and self._next().upper() != "EXISTS":
                raise BadPatternError("NOT is only possible before EXISTS")
            return lambda document: (_select(document, selector) is not _NOTHING) is wanted
        return _condition(selector, comparison, self._next())

    def _take(self, wanted: str) -> bool:
        if self._tokens and self._tokens[0] == wanted:
            del self._tokens[0]
            return True
        return False

    def _next(self) -> str:
        if not self._tokens:
            raise BadPatternError("the pattern ends too early")
        return self._tokens.pop(0)


def _tokens(text: str) -> list[str]:
    tokens, position, text = [], 0, text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise BadPatternError(f"the pattern can't be read from {text[position:]!r} on")
        tokens.append(match[1])
        position = match.end()
    return tokens


def _condition(selector: str, comparison: str, wanted: str) -> Callable[[Any], bool]:
    if comparison == "IS":
        if wanted.upper() not in _WORDS:
            raise BadPatternError(f"IS takes NULL, TRUE or FALSE, not {wanted}")
        value = _WORDS[wanted.upper()]
        return lambda document: _select(document, selector) is value
    if comparison in _ORDERED:
        compare, bound = _ORDERED[comparison], _number(wanted)
        return lambda document: _is_number(found := _select(document, selector)) and compare(found, bound)
    if comparison not in ("=", "!="):
        raise BadPatternError(f"the comparison {comparison} does not exist")
    equal = comparison == "="
    return lambda document: (
        (found := _select(document, selector)) is not _NOTHING and _equals(found, wanted) is equal
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadPatternError(f"{text} is not a number") from None


def _equals(found: Any, wanted: str) -> bool:
    if _is_number(found) and not wanted.startswith('"'):
        try:
            return bool(float(wanted) == found)
        except ValueError:
            return False
    pattern = wanted.strip('"').replace("[", "[[]")
    return isinstance(found, str) and fnmatch.fnmatchcase(found, pattern)
