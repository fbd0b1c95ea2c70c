"""A YAML file as plain values, with the place of every key and value.

YAML 1.2, strictly: duplicate keys, tabs, several documents, custom tags and keys that aren't text are
problems and not surprises. It knows nothing of what an environment file means.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from infra.environment.problems import InvalidEnvironment, Problem

Place = tuple[str | int, ...]
"""A path into the document: ("models", "chat", "replicas", "min")."""

_TAG = "tag:yaml.org,2002:"
_NODES_LIMIT = 50_000


class Position(NamedTuple):
    """Line and column, from 1."""

    line: int
    column: int


@dataclass
class Document:
    """The values of a file, and where each was written."""

    path: Path
    data: Any = None
    keys: dict[Place, Position] = field(default_factory=dict)
    values: dict[Place, Position] = field(default_factory=dict)
    texts: dict[Place, str] = field(default_factory=dict)
    """Scalars as they were written: 0.10 is the number 0.1, but its text isn't."""
    problems: list[Problem] = field(default_factory=list)
    has_null: bool = False
    """Whether any value is empty."""

    def position(self, place: Place, *, key: bool = False) -> Position:
        """Where a place is written; of something absent, where its nearest ancestor begins."""
        tables = (self.keys, self.values) if key else (self.values, self.keys)
        for table in tables:
            if place in table:
                return table[place]
        for length in range(len(place) - 1, 0, -1):
            if (found := self.keys.get(place[:length]) or self.values.get(place[:length])) is not None:
                return found
        return self.values.get((), Position(1, 1))

    def problem(self, place: Place, what: str, *, key: bool = False, **words: Any) -> Problem:
        """A problem at a place of this document."""
        line, column = self.position(place, key=key)
        return Problem(path=self.path, line=line, column=column, where=spelled(place), what=what, **words)


def spelled(place: Place) -> str:
    """A place in words: models.chat.rollout.steps[2]."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read(path: Path) -> Document:
    """Read a file; raises `InvalidEnvironment` when it isn't one YAML mapping."""
    return parse(path, text_of(path))


def text_of(path: Path) -> str:
    """A file's text, line ends as they are; raises `InvalidEnvironment` when it has none."""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unreadable(path, 1, 1, "not a text file in UTF-8", str(error)) from error
    except OSError as error:
        raise _unreadable(path, 1, 1, "can't be read", error.strerror or str(error)) from error


def parse(path: Path, text: str) -> Document:
    """`read`, of a text that the file has or could have."""
    document = Document(path)
    _Reader(document).read(compose(path, text))
    if not isinstance(document.data, dict):
        raise _unreadable(path, 1, 1, "not a mapping of keys to values", "the first key is `environment:`")
    return document


def compose(path: Path, text: str) -> Any:
    """The parser's nodes, with the marks of where each begins and ends."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        raise _syntax(path, error) from error
    except YAMLError as error:
        raise _unreadable(path, 1, 1, "not YAML", str(error).splitlines()[0]) from error
    if node is None:
        raise _unreadable(
            path, 1, 1, "the file is empty", "", hint="`llmctl init NAME` writes a file to start from"
        )
    return node


class _Reader:
    """Walks the composed nodes once, filling a document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._nodes = 0
        self._open: set[int] = set()

    def read(self, node: Any) -> None:
        self._document.data = self._value(node, ())

    def _value(self, node: Any, place: Place) -> Any:
        self._document.values.setdefault(place, _position(node))
        with self._within(node):
            return self._construct(node, place)

    @contextmanager
    def _within(self, node: Any) -> Iterator[None]:
        """While a node is read, it must not come again below itself."""
        self._nodes += 1
        if self._nodes > _NODES_LIMIT or id(node) in self._open:
            raise _unreadable(
                self._document.path, *_position(node), "an anchor that contains itself, or far too much", ""
            )
        self._open.add(id(node))
        try:
            yield
        finally:
            self._open.discard(id(node))

    def _construct(self, node: Any, place: Place) -> Any:
        if node.id == "mapping":
            return dict(self._items(node, place))
        if node.id == "sequence":
            return [self._value(child, (*place, index)) for index, child in enumerate(node.value)]
        self._document.texts[place] = node.value
        return self._scalar(node, place)

    def _items(self, node: Any, place: Place) -> Iterator[tuple[str, Any]]:
        seen: dict[str, Position] = {}
        merged: list[Any] = []
        for key_node, value_node in node.value:
            if _tag(key_node) == "merge":
                merged.append(value_node)
                continue
            key = self._key(key_node, place)
            if key is None:
                continue
            here = _position(key_node)
            if key in seen:
                self._report(
                    here,
                    (*place, key),
                    f"the key is already on line {seen[key].line}",
                    why="the second would silently replace the first",
                    hint="remove one of the two",
                )
                continue
            seen[key] = here
            self._document.keys[(*place, key)] = here
            yield key, self._value(value_node, (*place, key))
        yield from self._merged(merged, seen, place)

    def _merged(self, nodes: list[Any], seen: dict[str, Position], place: Place) -> Iterator[tuple[str, Any]]:
        """`<<: *anchor`: keys of its own win, and positions are those of the anchor's lines."""
        for node in nodes:
            for each in node.value if node.id == "sequence" else [node]:
                if each.id != "mapping":
                    self._report(_position(each), place, "<< needs an alias of a mapping", why="", hint="")
                    continue
                with self._within(each):
                    yield from self._taken(each, seen, place)

    def _taken(self, node: Any, seen: dict[str, Position], place: Place) -> Iterator[tuple[str, Any]]:
        """The keys that a merged mapping adds, those that it merges itself included."""
        merged: list[Any] = []
        for key_node, value_node in node.value:
            if _tag(key_node) == "merge":
                merged.append(value_node)
                continue
            key = self._key(key_node, place)
            if key is not None and key not in seen:
                seen[key] = _position(key_node)
                self._document.keys[(*place, key)] = seen[key]
                yield key, self._value(value_node, (*place, key))
        yield from self._merged(merged, seen, place)

    def _key(self, node: Any, place: Place) -> str | None:
        if node.id == "scalar" and _tag(node) == "str":
            return str(node.value)
        text = node.value if node.id == "scalar" else "this key"
        self._report(
            _position(node),
            place,
            f"the key {text} isn't text",
            why="YAML reads it as a number, a truth value or a collection",
            hint=f'quote it: "{text}"' if node.id == "scalar" else "keys are plain words",
        )
        return None

    def _scalar(self, node: Any, place: Place) -> Any:
        tag = _tag(node)
        converters: dict[str, Callable[[str], Any]] = {
            "str": str,
            "int": _integer,
            "float": _float,
            "bool": _truth,
            "null": lambda _: None,
        }
        if tag not in converters:
            if tag == "timestamp":
                return str(node.value)
            self._report(
                _position(node),
                place,
                f"the tag !{tag} isn't known",
                why="values are plain",
                hint="remove the tag",
            )
            return str(node.value)
        value = converters[tag](node.value)
        self._document.has_null |= value is None
        if isinstance(value, float) and not math.isfinite(value):
            self._report(
                _position(node), place, f"{node.value} isn't a number to count with", why="", hint=""
            )
        return value

    def _report(self, position: Position, place: Place, what: str, *, why: str, hint: str) -> None:
        line, column = position
        self._document.problems.append(
            Problem(
                path=self._document.path,
                line=line,
                column=column,
                where=spelled(place),
                what=what,
                why=why,
                hint=hint,
                rule="syntax",
            )
        )


def _position(node: Any) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


def _tag(node: Any) -> str:
    return str(node.tag).removeprefix(_TAG).lstrip("!")


def _integer(text: str) -> int:
    plain = text.replace("_", "")
    return int(plain, 0) if plain.lstrip("+-").lower().startswith(("0x", "0o", "0b")) else int(plain)


def _float(text: str) -> float:
    return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))


def _truth(text: str) -> bool:
    return text.lower() == "true"


def _syntax(path: Path, error: Any) -> InvalidEnvironment:
    mark = error.problem_mark or error.context_mark
    problem = (error.problem or error.context or "not YAML").strip()
    hint = ""
    if "'\\t'" in problem:
        problem, hint = "a tab can't start a token or indent", "indent with spaces"
    elif "single document" in str(error.context or ""):
        problem, hint = "a second document starts here", "one file holds one environment: remove the ---"
    elif "mapping values are not allowed" in problem:
        hint = "quote a value that contains a colon and a space"
    elif "undefined alias" in problem:
        hint = "a value that starts with * must be quoted"
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return _unreadable(path, line, column, problem, "not valid YAML", hint=hint)


def _unreadable(
    path: Path, line: int, column: int, what: str, why: str, *, hint: str = ""
) -> InvalidEnvironment:
    problem = Problem(
        path=path, line=line, column=column, where="", what=what, why=why, hint=hint, rule="syntax"
    )
    return InvalidEnvironment(path, [problem])
