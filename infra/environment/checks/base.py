"""What a check is: a rule with an id that looks at an environment and says what is wrong with it.

Checks are pure. They reason about what the schema can't express, and never about what is the case in an
account.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from infra.engines.base import Engine
from infra.engines.registry import engine
from infra.environment.document import Document, Place
from infra.environment.model import Environment, Model


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that a rule found, at a place in the document."""

    place: Place
    what: str
    why: str = ""
    allowed: str = ""
    hint: str = ""
    severity: Literal["error", "advice"] = "error"
    at_key: bool = False
    """Points at the key and not at its value."""


@dataclass(frozen=True)
class Subject:
    """An environment, with what only the file knows."""

    environment: Environment
    document: Document

    def given(self, *place: str | int) -> bool:
        """Whether the file writes this itself: a default that is written is a wish."""
        return place in self.document.values

    @cached_property
    def models(self) -> tuple[tuple[str, Model, Engine], ...]:
        """Each model with its name and its engine."""
        return tuple(
            (name, model, engine(model.engine.name)) for name, model in self.environment.models.items()
        )


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One theme; the id is stable, for people and scripts to refer to."""

    id: str
    summary: str
    check: Callable[[Subject], Iterator[Finding]]
    across_models: bool = False
    """Looks at all models together, so it has to wait until each is of the right shape."""
