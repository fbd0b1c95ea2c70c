"""Plans, statuses, requests and verdicts as JSON text, for the journal; byte-stable.

What a newer version wrote and this one doesn't know is refused: half a plan would lead to wrong moves. Only
what `infra.rollout.types` is made of is understood: dataclasses, enums, tuples, mappings, None and scalars.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from infra.errors import LlmctlError

T = TypeVar("T")


def to_json(value: object) -> str:
    """A dataclass of `infra.rollout.types`, or a tuple of such, as compact JSON."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"))


def from_json(cls: type[T], text: str) -> T:
    """Inverse of `to_json`; raises `LlmctlError` for anything that is not exactly of that class."""
    try:
        found: T = _typed(cls, json.loads(text), cls.__name__)
    except (KeyError, TypeError, ValueError) as error:
        raise LlmctlError(
            f"the journal holds a {cls.__name__.lower()} that this version can't read: {error}",
            hint="another version of llmctl may have written it: use the one that began this rollout",
        ) from error
    return found


def tuple_from_json(item: type[T], text: str) -> tuple[T, ...]:
    """Like `from_json`, of a tuple of such."""
    return from_json(tuple[item, ...], text)  # type: ignore[valid-type]


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value


def _typed(kind: Any, raw: Any, where: str) -> Any:
    if is_dataclass(kind):
        return _dataclass(kind, raw, where)
    origin = get_origin(kind)
    if origin is UnionType:
        return _optional(kind, raw, where)
    if origin is tuple:
        return _tuple(get_args(kind), _expected(list, raw, where), where)
    if origin is Mapping:
        of_key, of_value = get_args(kind)
        items = _expected(dict, raw, where).items()
        return {_typed(of_key, key, where): _typed(of_value, each, f"{where}.{key}") for key, each in items}
    if issubclass(kind, Enum):
        return kind(raw)
    # A whole number stands for a float too, but a truth value for no number.
    if kind is float and type(raw) is int:
        return float(raw)
    return _expected(kind, raw, where)


def _dataclass(kind: Any, raw: Any, where: str) -> Any:
    hints, known = _hints(kind), {each.name: each for each in fields(kind)}
    given = _expected(dict, raw, where)
    if unknown := sorted(given.keys() - known.keys()):
        raise ValueError(f"{where} has an unknown {unknown[0]!r}")
    needed = {
        name for name, each in known.items() if each.default is MISSING and each.default_factory is MISSING
    }
    if missing := sorted(needed - given.keys()):
        raise ValueError(f"{where} has no {missing[0]!r}")
    return kind(**{name: _typed(hints[name], each, f"{where}.{name}") for name, each in given.items()})


def _optional(kind: Any, raw: Any, where: str) -> Any:
    if raw is None:
        return None
    (inner,) = (each for each in get_args(kind) if each is not type(None))
    return _typed(inner, raw, where)


def _tuple(items: tuple[Any, ...], raw: list[Any], where: str) -> tuple[Any, ...]:
    kinds = [items[0]] * len(raw) if items[-1] is Ellipsis else items
    return tuple(_typed(kind, each, where) for kind, each in zip(kinds, raw, strict=True))


def _expected(kind: Any, raw: Any, where: str) -> Any:
    if type(raw) is not kind:
        raise TypeError(f"{where} is {json.dumps(raw)}, not of type {kind.__name__}")
    return raw


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
