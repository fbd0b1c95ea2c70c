"""Texts of a configuration as reviewers can read them: line by line, and JSON as what it says."""

import json
from collections import OrderedDict
from typing import Any

_SEPARATORS = {"(JSON)": (", ", ": "), "(JSON, compact)": (",", ":")}


def unfold(value: Any) -> Any:
    """The value with its long texts opened up. Texts that differ stay different, in spaces and order, too."""
    if isinstance(value, dict):
        # The type stays: in an OrderedDict the order is part of the text that it was.
        return type(value)((key, unfold(each)) for key, each in value.items())
    if isinstance(value, list):
        return [unfold(each) for each in value]
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> Any:
    if text[:1] in ("{", "["):
        for name, separators in _SEPARATORS.items():
            if (document := _parsed(text, separators)) is not None:
                return {name: unfold(document)}
    return {"(lines)": [_line(each) for each in text.split("\n")]} if "\n" in text else text


def _line(line: str) -> Any:
    """A line that is indented JSON, such as a file within a cloud-config, opened up."""
    bare = line.lstrip(" ")
    opened = _text(bare)
    return line if isinstance(opened, str) else {"(spaces)": len(line) - len(bare), **opened}


def _parsed(text: str, separators: tuple[str, str]) -> Any:
    """None unless the text is exactly what comes of writing the document again."""
    try:
        document = json.loads(text, object_pairs_hook=OrderedDict)
    except ValueError:
        return None
    return document if json.dumps(document, separators=separators) == text else None
