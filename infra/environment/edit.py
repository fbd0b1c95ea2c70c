"""Changes single values of an environment file, and leaves every other character of it as it is.

The text is spliced at the places that the YAML parser tells; nothing is written out anew, so comments, order
and style stay. What the splice means is checked by reading the result: it must differ from the file before in
exactly the values asked for, and be a valid environment. What can't be done so is refused, with the advice to
edit by hand; nothing is written then.
"""

import difflib
import json
import os
import tempfile
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.environment.document import compose, parse, spelled, text_of
from infra.environment.load import examine
from infra.environment.problems import InvalidEnvironment
from infra.environment.schema import schema
from infra.errors import ExitCode, LlmctlError, Refused

_INDENT = 2


@dataclass(frozen=True)
class Edit:
    """A change of a file that is valid and not written yet."""

    path: Path
    before: str
    after: str

    @property
    def diff(self) -> str:
        """The change as people read it; empty when nothing changes."""
        lines = (self.before.splitlines(), self.after.splitlines())
        return "\n".join(difflib.unified_diff(*lines, str(self.path), str(self.path), lineterm="", n=2))

    def write(self) -> None:
        """Replace the file at once; raises `LlmctlError` (conflict) if it was changed meanwhile."""
        _replace(self.path, self.before, self.after)

    def undo(self) -> None:
        """Bring the file back as it was; raises `LlmctlError` (conflict) if it was changed since."""
        _replace(self.path, self.after, self.before)


def set_values(path: Path, values: Mapping[str, str]) -> Edit:
    """`edited`, and written."""
    edit = edited(path, values)
    edit.write()
    return edit


def edited(path: Path, values: Mapping[str, str]) -> Edit:
    """The file with other values, each at a dotted place and written as in YAML: {"models.chat.x": "7"}.

    Text that YAML would take for a number is quoted where the format wants text. Raises `Refused` for what
    can't be done, and `InvalidEnvironment` with every problem that the changed file would have.
    """
    before = after = text_of(path)
    for place, value in values.items():
        after = _set(path, after, tuple(place.split(".")), value)
    found = examine(path, after)
    if found.environment is None:
        raise InvalidEnvironment(path, found.problems)
    return Edit(path, before, after)


def _set(path: Path, text: str, place: tuple[str, ...], value: str) -> str:
    """The text with one more value, if that changes nothing else."""
    written = _written(place, value)
    expected = deepcopy(parse(path, text).data)
    section = expected
    for part in place[:-1]:
        section = section.setdefault(part, {})
        if not isinstance(section, dict):
            raise _refused(place, f"{part} has no keys")
    section[place[-1]] = _meaning(written)
    changed = _spliced(compose(path, text), text, place, written)
    try:
        exact = parse(path, changed).data == expected
    except InvalidEnvironment:
        exact = False
    if not exact:
        raise _refused(place, "something else would change with it")
    return changed


def _written(place: tuple[str, ...], value: str) -> str:
    """The value as it is put into the file."""
    if not value.strip() or len(value.splitlines()) > 1:
        raise _refused(place, "a value is one line, and not empty")
    if _wants_text(place) and not _is_text(value):
        quoted = json.dumps(value, ensure_ascii=False)
        if _meaning(quoted) != value:
            raise _refused(place, "it has characters that a line can't have")
        return quoted
    _meaning(value)
    return value


def _is_text(value: str) -> bool:
    try:
        return isinstance(_meaning(value), str)
    except Refused:
        return False


def _meaning(written: str) -> Any:
    """What YAML reads; refuses what isn't one value."""
    try:
        # In braces, so that nothing runs on: not into a comment, not into another key.
        found = parse(Path("value"), f"{{value: {written}}}\n")
    except InvalidEnvironment:
        found = None
    if found is None or found.data.keys() != {"value"} or found.problems:
        raise Refused(f"{written} isn't a value in YAML", hint=f"quote it: '\"{written}\"'")
    return found.data["value"]


def _wants_text(place: tuple[str, ...]) -> bool:
    """Whether the format has nothing but text there."""
    root = schema()
    node = root
    for part in place:
        node = node.get("properties", {}).get(part) or node.get("additionalProperties") or {}
        if not isinstance(node, dict):
            return False
        if reference := str(node.get("$ref", "")).rpartition("/")[2]:
            node = root["$defs"][reference]
    return node.get("type") == "string" or all(isinstance(each, str) for each in node.get("enum", (None,)))


def _spliced(node: Any, text: str, place: tuple[str, ...], written: str) -> str:
    """The text with the value in place of the old one, or as a new key of the deepest section there is."""
    for depth, part in enumerate(place):
        if node.id != "mapping":
            raise _refused(place, f"{spelled(place[:depth])} isn't a section")
        found = next((value for key, value in node.value if key.value == part), None)
        if found is None:
            insert = _in_braces if node.flow_style else _on_a_line
            return insert(node, text, place[depth:], written)
        node = found
    begin, end = node.start_mark.index, node.end_mark.index
    simple = (
        node.style not in ("|", ">") if node.id == "scalar" else node.id == "sequence" and node.flow_style
    )
    if not simple:
        raise _refused(place, "its value has several lines, or keys")
    return text[:begin] + _quoted_alike(node, written) + text[end:]


def _quoted_alike(node: Any, written: str) -> str:
    """In quotes, where the old value was in quotes and the new one is plain text."""
    quoted = node.id == "scalar" and node.style in ("'", '"')
    if not quoted or written[0] in "'\"" or not isinstance(_meaning(written), str):
        return written
    return json.dumps(written, ensure_ascii=False) if node.style == '"' else f"'{written}'"


def _in_braces(node: Any, text: str, keys: tuple[str, ...], written: str) -> str:
    closing = node.end_mark.index - 1
    end = len(text[:closing].rstrip())
    inner = written
    for key in reversed(keys[1:]):
        inner = f"{{{key}: {inner}}}"
    return f"{text[:end]}{', ' if node.value else ''}{keys[0]}: {inner}{text[end:]}"


def _on_a_line(node: Any, text: str, keys: tuple[str, ...], written: str) -> str:
    """After the section's last value, and the comment beside that."""
    newline = "\r\n" if "\r\n" in text else "\n"
    indent = node.value[0][0].start_mark.column
    lines = [f"{' ' * (indent + _INDENT * depth)}{key}:" for depth, key in enumerate(keys)]
    lines[-1] += f" {written}"
    end = text.find("\n", _last_character(node))
    if end < 0:
        return text + newline + newline.join(lines) + newline
    return text[: end + 1] + newline.join(lines) + newline + text[end + 1 :]


def _last_character(node: Any) -> int:
    """Index of what follows a node; the parser lets blocks end where the next thing begins."""
    if node.id == "mapping" and not node.flow_style and node.value:
        key, value = node.value[-1]
        # What an alias stands for was written before.
        return max(int(key.end_mark.index), _last_character(value))
    if node.id == "sequence" and not node.flow_style and node.value:
        return _last_character(node.value[-1])
    return int(node.end_mark.index)


def _replace(path: Path, expected: str, text: str) -> None:
    if text_of(path) != expected:
        raise LlmctlError(
            f"{path} was changed by somebody else meanwhile",
            hint="nothing was written: run the command again",
            code=ExitCode.CONFLICT,
        )
    mode = path.stat().st_mode
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise LlmctlError(f"{path} can't be written: {error.strerror or error}") from error


def _refused(place: tuple[str, ...], why: str) -> Refused:
    return Refused(f"{spelled(place)} can't be set: {why}", hint="change the file in an editor")
