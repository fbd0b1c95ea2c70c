"""What a plan means to people: changes by model and by kind. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from infra.terraform.diagnostics import model_of
from infra.terraform.runner import PlanSummary

SHARED = ""
"""Group of what belongs to no single model: network, balancer, state."""
_ORDER = ("create", "update", "replace", "delete")


@dataclass(frozen=True)
class Change:
    """One resource that would change."""

    address: str
    type: str
    action: str
    reason: str


@dataclass(frozen=True)
class ModelChanges:
    """The changes of one model, or of what is shared (`SHARED`)."""

    model: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class PlanReport:
    """A plan, grouped; also the document of `llmctl plan --json`."""

    environment: str
    has_changes: bool
    counts: dict[str, int]
    """By action: create, update, replace, delete and whatever else Terraform plans."""
    groups: tuple[ModelChanges, ...]


def report(environment: str, plan: PlanSummary, models: Iterable[str]) -> PlanReport:
    """Group a plan: shared resources first, then the models in the order of the file, then removed ones."""
    found: dict[str, list[Change]] = {name: [] for name in (SHARED, *models)}
    for change in plan.changes:
        group = found.setdefault(model_of(change.address) or SHARED, [])
        group.append(Change(change.address, change.type, change.action, change.reason))
    counts = dict.fromkeys(_ORDER, 0)
    for change in plan.changes:
        counts[change.action] = counts.get(change.action, 0) + 1
    return PlanReport(
        environment=environment,
        has_changes=plan.has_changes,
        counts=counts,
        groups=tuple(
            ModelChanges(name, tuple(sorted(changes, key=_rank)))
            for name, changes in found.items()
            if changes
        ),
    )


def _rank(change: Change) -> tuple[int, str]:
    known = change.action in _ORDER
    return (_ORDER.index(change.action) if known else len(_ORDER), change.address)
