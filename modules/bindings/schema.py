"""A provider's schema, as far as the generator understands it. What it doesn't know, it refuses."""

from dataclasses import dataclass
from keyword import iskeyword
from typing import Any

_SCALARS = {"string": "str", "number": "Number", "bool": "Boolean"}
_LISTS = {"string": "Strings", "number": "Numbers", "bool": "Booleans"}
_MAPS = {"string": "StringMap", "number": "NumberMap", "bool": "BooleanMap"}


@dataclass(frozen=True)
class Attribute:
    """One attribute: an argument, something to refer to, or both."""

    name: str
    annotation: str
    """Name of the type in `base.py`, or str."""
    required: bool
    settable: bool
    computed: bool
    description: str


@dataclass(frozen=True)
class Block:
    """Arguments in a block of their own, or (at the top) of the resource itself."""

    name: str
    attributes: tuple[Attribute, ...]
    blocks: tuple["Block", ...]
    single: bool
    required: bool
    description: str


def resource(name: str, raw: dict[str, Any]) -> Block:
    """Read the schema of a resource or data source."""
    return _block(name, raw["block"], single=True, required=True)


def _block(name: str, raw: dict[str, Any], *, single: bool, required: bool) -> Block:
    return Block(
        name,
        tuple(
            _attribute(key, value)
            for key, value in sorted(raw.get("attributes", {}).items())
            if not value.get("deprecated")
        ),
        tuple(
            _nested(key, value)
            for key, value in sorted(raw.get("block_types", {}).items())
            # A name such as `and` can't be a field of a class; whoever needs one takes an escape hatch.
            if not value["block"].get("deprecated") and not iskeyword(key)
        ),
        single,
        required,
        _sentence(raw),
    )


def _nested(name: str, raw: dict[str, Any]) -> Block:
    mode = raw["nesting_mode"]
    if mode not in ("list", "set", "single", "group"):
        raise NotImplementedError(f"block {name} nests as {mode}")
    single = mode in ("single", "group") or raw.get("max_items") == 1
    return _block(name, raw["block"], single=single, required=raw.get("min_items", 0) > 0)


def _attribute(name: str, raw: dict[str, Any]) -> Attribute:
    return Attribute(
        name,
        _annotation(raw.get("type")),
        required=raw.get("required", False),
        settable=raw.get("required", False) or raw.get("optional", False),
        computed=raw.get("computed", False),
        description=_sentence(raw),
    )


def _annotation(kind: object) -> str:
    """Type in `base.py`; what is nested in an attribute stays open."""
    if isinstance(kind, str):
        return _SCALARS.get(kind, "Anything")
    if isinstance(kind, list) and isinstance(kind[1], str):
        table = _MAPS if kind[0] == "map" else _LISTS
        return table.get(kind[1], "Anything")
    return "Anything"


def _sentence(raw: dict[str, Any]) -> str:
    """First sentence of the description, on one line, fit for a docstring."""
    text = " ".join(str(raw.get("description", "")).split()).replace("\\", "").replace('"', "'")
    first = text.split(". ")[0].rstrip(".")
    return f"{first}." if first else ""
