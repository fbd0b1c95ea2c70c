"""What a risk is: found by a rule in what a plan would change."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from infra.environment.acceptance import RiskId
from infra.environment.model import Environment, Model
from infra.plan.changes import ResourceChange

if TYPE_CHECKING:
    from infra.risk.account import Account
    from infra.risk.forecast import Forecast


class Severity(StrEnum):
    """How bad; the worst one last."""

    NOTE = "note"
    """Good to know."""
    WARNING = "warning"
    """Somebody should have thought of it."""
    DANGER = "danger"
    """An outage, a loss or an open door, unless it is meant."""


@dataclass(frozen=True)
class Subject:
    """What is judged."""

    before: Environment | None
    """As it was last applied; None if there is no record of it."""
    after: Environment
    changes: tuple[ResourceChange, ...]
    account: "Account | None" = None
    """None: nobody asked."""
    forecasts: "tuple[Forecast, ...]" = ()
    """Of the models whose availability may change."""

    @property
    def kept(self) -> Iterator[tuple[str, Model, Model]]:
        """The models that are there before and after: name, before, after."""
        models = self.before.models if self.before else {}
        for name, model in self.after.models.items():
            if name in models:
                yield name, models[name], model


@dataclass(frozen=True)
class Found:
    """Something that a rule saw; `model` is empty for what belongs to no single one."""

    model: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One kind of risk."""

    id: RiskId
    severity: Severity
    why: str
    """Why it matters."""
    remedy: str
    look: Callable[[Subject], Iterator[Found]]


@dataclass(frozen=True, kw_only=True)
class Risk:
    """What a rule found in a plan."""

    id: RiskId
    severity: Severity
    model: str
    what: str
    why: str
    remedy: str
    accepted: str = ""
    """The reason for which the environment file accepts it; empty: it counts."""
