"""What a team's own rules see of a plan, and what they say about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Document = Mapping[str, Any]
"""A plan as plain data: docs/policy.md describes it. Its `version` changes when a rule could break."""
VERSION = 1


class Severity(StrEnum):
    """What a violation does."""

    WARN = "warn"
    """It is shown."""
    DENY = "deny"
    """The plan is refused."""


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One thing that a rule objects to."""

    severity: Severity
    rule: str
    """File and name, such as `tags.py: deny_untagged`."""
    message: str
