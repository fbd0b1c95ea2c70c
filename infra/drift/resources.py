"""What Terraform sees: resources that differ from the file. Pure.

A planned change of a resource that was changed outside Terraform undoes what somebody did by hand; any other
one is the file's, which nobody has applied yet.
"""

from collections.abc import Iterator

from infra.drift.types import Finding, Kind
from infra.terraform.diagnostics import model_of
from infra.terraform.runner import PlanSummary

_GONE = "delete"


def resources(plan: PlanSummary) -> Iterator[Finding]:
    """A finding for each resource that a deploy would touch."""
    outside = {drift.address: drift.action for drift in plan.drifts}
    for change in plan.changes:
        by_hand = outside.get(change.address)
        model = model_of(change.address) or ""
        if by_hand == _GONE:
            found, kind = "it was deleted outside Terraform", Kind.BROKEN
        elif by_hand:
            found, kind = "it was changed outside Terraform", Kind.MANUAL
        else:
            found, kind = f"a deploy would {change.action} it", Kind.WAITING
        hint = (
            "`llmctl deploy` puts it back"
            if by_hand
            else "`llmctl plan` shows it, `llmctl deploy` applies it"
        )
        yield Finding(kind=kind, model=model, what=change.address, found=found, hint=hint)
