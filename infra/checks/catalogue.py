"""Every rule that llmctl judges by, of machines, environment files and plans, in one list."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.checks.doctor import RULES as MACHINE
from infra.environment.checks import RULES as FILE
from infra.risk.registry import RULES as PLAN


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A rule, as a list shows it."""

    id: str
    weight: str
    """Of a machine's rule who needs it, of a plan's its severity; a file's rules refuse or advise."""
    what: str
    remedy: str
    """Empty: each finding has its own."""


Catalogue = Mapping[str, tuple[Listed, ...]]


def catalogue() -> Catalogue:
    """The rules, by what they look at."""
    return {
        "machine": tuple(
            Listed(id=each.id, weight=each.need, what=each.summary, remedy=each.remedy) for each in MACHINE
        ),
        "file": tuple(Listed(id=each.id, weight="", what=each.summary, remedy="") for each in FILE),
        "plan": tuple(
            Listed(id=each.id, weight=each.severity, what=each.why, remedy=each.remedy) for each in PLAN
        ),
    }
