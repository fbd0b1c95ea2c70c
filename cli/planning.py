"""Makes a plan and says what it means: what `plan`, `deploy` and `upgrade` show."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.context import Workspace
    from infra.plan.archive import Archive, Versions
    from infra.plan.report import PlanReport
    from infra.policy.types import Document
    from infra.terraform.runner import PlanSummary, Terraform


@dataclass(frozen=True)
class Planned:
    """A plan, and the Terraform that would apply it."""

    terraform: "Terraform"
    summary: "PlanSummary"
    report: "PlanReport"
    document: "Document"
    """As a team's own rules see it."""


@contextmanager
def planning(
    workspace: "Workspace", *, force_unlock: str | None, archive: "Archive | None" = None
) -> Iterator[Planned]:
    """Plan, or take the plan of an archive; it can be applied or kept as long as the context lasts."""
    from cli.render.terraform import showing
    from infra.plan.archive import refuse_if_moved

    with (
        showing() as observe,
        workspace.terraform(observe, force_unlock=force_unlock, archive=archive) as terraform,
    ):
        if archive:
            name = workspace.environment.environment
            refuse_if_moved(archive, name=name, file=workspace.path, versions=_versions(terraform))
            summary = terraform.restored(has_changes=archive.manifest.has_changes)
        else:
            summary = terraform.plan()
        yield Planned(terraform, summary, *read(workspace, terraform, summary))


def keep(workspace: "Workspace", planned: Planned, report: "PlanReport", path: Path) -> str:
    """Write the archive of a plan; returns its id."""
    from infra.plan.archive import write

    return write(
        path,
        plan=planned.summary.path,
        stack=planned.terraform.directory.stack,
        file=workspace.path,
        report=report,
        versions=_versions(planned.terraform),
        now=workspace.clock.now(),
    )


def _versions(terraform: "Terraform") -> "Versions":
    from importlib.metadata import version

    from infra.plan.archive import Versions
    from infra.terraform.version import PROVIDER_VERSION

    return Versions(
        llmctl=version("llmctl-toolkit"), terraform=terraform.executable.version, provider=PROVIDER_VERSION
    )


def checked(planned: Planned, policies: Path | None) -> "PlanReport":
    """The plan's report, with what the rules in the folder `policies` object to."""
    if policies is None:
        return planned.report
    from infra.policy.folder import evaluate

    return replace(planned.report, policy=evaluate(policies, planned.document))


def read(
    workspace: "Workspace", terraform: "Terraform", summary: "PlanSummary"
) -> "tuple[PlanReport, Document]":
    """What a plan means."""
    from infra.cost.estimate import estimate
    from infra.environment.record import RECORD, decoded
    from infra.plan.changes import output_values, resource_changes
    from infra.plan.report import Costs, report
    from infra.plan.subject import subject
    from infra.risk.forecast import forecasts

    document, after = terraform.show(summary), workspace.environment
    record, _ = output_values(document, RECORD)
    before = decoded(record)
    prices = workspace.prices()
    stale = prices.is_stale(workspace.clock.now().date())
    costs = Costs(
        before=estimate(before, prices, stale=stale) if before else None,
        after=estimate(after, prices, stale=stale),
    )
    changes = resource_changes(document)
    has_quotas = summary.has_changes and after.provider.name == "aws"
    account = workspace.account_facts() if has_quotas else None
    told = report(
        before,
        after,
        changes,
        has_changes=summary.has_changes,
        cost=costs,
        account=account,
        forecasts=forecasts(before, after) if summary.has_changes else (),
    )
    return told, subject(before, after, changes, told)
