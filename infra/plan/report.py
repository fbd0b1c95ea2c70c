"""A plan as people and machines read it: meaning, then resources, the destructive ones first. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from infra.cost.estimate import Estimate
from infra.environment.model import Environment
from infra.plan.changes import Action, ResourceChange
from infra.plan.meaning import SHARED, Statement, meaning
from infra.plan.values import Difference
from infra.policy.types import Severity as PolicySeverity
from infra.policy.types import Violation
from infra.risk.account import Account
from infra.risk.forecast import Forecast
from infra.risk.registry import judge
from infra.risk.types import Risk, Severity, Subject

_COUNTED = (Action.DELETE, Action.REPLACE, Action.CREATE, Action.UPDATE)


@dataclass(frozen=True)
class Change:
    """One resource that would change."""

    address: str
    type: str
    action: Action
    reason: str
    """Why it is replaced or deleted, in Terraform's words; mostly empty."""
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class ModelChanges:
    """The changes of one model, or of what is shared (`SHARED`)."""

    model: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Costs:
    """What the environment costs."""

    before: Estimate | None
    """As it was last applied, at today's prices; None if there is no record of it."""
    after: Estimate


@dataclass(frozen=True, kw_only=True)
class PlanReport:
    """A plan; also the document of `llmctl plan --json`."""

    environment: str
    has_changes: bool
    """Also true when only outputs change."""
    counts: dict[str, int]
    """Resources by action: delete, replace, create, update."""
    meaning: tuple[Statement, ...] = ()
    risks: tuple[Risk, ...] = ()
    """The worst first; those that the environment file accepts last."""
    groups: tuple[ModelChanges, ...] = ()
    cost: Costs | None = None
    """None: nobody asked."""
    forecasts: tuple[Forecast, ...] = ()
    """How available models are on spot, where that may change."""
    policy: tuple[Violation, ...] = ()
    """What a team's own rules object to, denials first."""

    @property
    def is_denied(self) -> bool:
        """Whether a rule of the team's refuses it."""
        return any(each.severity is PolicySeverity.DENY for each in self.policy)

    @property
    def dangers(self) -> dict[str, tuple[Risk, ...]]:
        """What could go badly wrong and isn't accepted, by the id of its rule."""
        found: dict[str, tuple[Risk, ...]] = {}
        for each in self.risks:
            if each.severity is Severity.DANGER and not each.accepted:
                found[each.id] = (*found.get(each.id, ()), each)
        return found


def report(
    before: Environment | None,
    after: Environment,
    changes: Sequence[ResourceChange],
    *,
    has_changes: bool,
    cost: Costs | None = None,
    account: Account | None = None,
    forecasts: tuple[Forecast, ...] = (),
) -> PlanReport:
    """Shared resources first, then the models in the order of the file, then removed ones."""
    return replace(
        resources(after.environment, changes, after.models, has_changes=has_changes),
        meaning=meaning(before, after, changes),
        risks=judge(Subject(before, after, tuple(changes), account, forecasts)),
        cost=cost,
        forecasts=forecasts,
    )


def resources(
    name: str, changes: Sequence[ResourceChange], models: Iterable[str] = (), *, has_changes: bool
) -> PlanReport:
    """What happens to resources, and no more: for a stack that has no environment file."""
    actions = [change.action for change in changes]
    return PlanReport(
        environment=name,
        has_changes=has_changes,
        counts={action.value: actions.count(action) for action in _COUNTED},
        groups=tuple(_grouped(models, changes)),
    )


def _grouped(models: Iterable[str], changes: Sequence[ResourceChange]) -> Iterable[ModelChanges]:
    found: dict[str, list[Change]] = {name: [] for name in (SHARED, *models)}
    for each in changes:
        change = Change(each.address, each.type, each.action, each.reason, each.differences)
        found.setdefault(each.model, []).append(change)
    for name, some in found.items():
        if some:
            yield ModelChanges(name, tuple(sorted(some, key=_worst_first)))


def _worst_first(change: Change) -> tuple[int, str]:
    return (-list(Action).index(change.action), change.address)
