"""Whose resources no Terraform state knows."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from infra.teardown.types import Resource


class State(Protocol):
    """An environment's Terraform state."""

    @property
    def resources(self) -> int:
        """How many it lists."""
        ...


def orphans(found: Iterable[Resource], states: Mapping[str, State]) -> tuple[Resource, ...]:
    """What belongs to environments that have no state, or an empty one: crashed, or destroyed in part."""
    known = {name for name, state in states.items() if state.resources}
    return tuple(each for each in found if each.environment not in known)
