"""What a check is: a rule with an id, what it looks for, and what to do when that is missing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Need(StrEnum):
    """Who can't do without."""

    ALWAYS = "always"
    AWS = "aws"
    EMBEDDED = "embedded"
    NOBODY = "nobody"
    """Fetched when first needed; good to have before."""


@dataclass(frozen=True)
class Found:
    """What a rule saw."""

    ok: bool
    what: str
    """Version, number or state; when it isn't ok, what is wrong."""
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One check. `look` gets the process environment; it never raises for what is merely missing."""

    id: str
    summary: str
    remedy: str
    need: Need
    look: Callable[[Mapping[str, str]], Found]


@dataclass(frozen=True, kw_only=True)
class Result:
    """A rule and what it saw."""

    id: str
    summary: str
    ok: bool
    required: bool
    what: str
    where: str
    remedy: str
    """Empty when all is well."""
