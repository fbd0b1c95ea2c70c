"""How fixes get into moto: by name, and loudly.

moto is pinned exactly, yet a fix that silently hits nothing is worse than none: replacing what moto does not
have, or adding what it has by now, raises at start.
"""

from collections.abc import Callable
from typing import Any


def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Put `make(original)` in the place of `owner.name`; raises AttributeError when moto lacks that."""
    setattr(owner, name, make(getattr(owner, name)))


def override(owner: Any, name: str, value: Any) -> None:
    """Put `value` in the place of `owner.name`; raises AttributeError when moto lacks that."""
    replace(owner, name, lambda _: value)


def add(owner: Any, name: str, value: Any) -> None:
    """Give moto what it lacks; raises AttributeError when it has it: then drop the addition."""
    if hasattr(owner, name):
        raise AttributeError(f"moto has {owner.__name__}.{name} by now: drop the addition")
    setattr(owner, name, value)
