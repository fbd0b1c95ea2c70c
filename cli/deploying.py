"""The two halves of `deploy`, each with its question."""

from typing import TYPE_CHECKING

import click

from cli.ask import confirm
from cli.render.plan import print_plan
from cli.render.terraform import showing
from infra.deploy.audit import audited
from infra.deploy.motion import steps
from infra.deploy.settle import settle
from infra.terraform.plan import report

if TYPE_CHECKING:
    from cli.context import Workspace


def apply_changes(workspace: "Workspace", *, yes: bool, force_unlock: str | None) -> bool:
    """Plan, show, ask, and apply exactly that plan; whether there was anything to apply."""
    environment = workspace.environment
    with showing() as observe, workspace.terraform(observe, force_unlock=force_unlock) as terraform:
        plan = terraform.plan()
        if not plan.has_changes:
            return False
        print_plan(report(environment.environment, plan, environment.models), stderr=True)
        confirm(f"Apply this to {environment.environment}?", yes=yes)
        with audited(workspace.runtime, "Apply", environment.environment) as outcome:
            done = terraform.apply(plan)
            outcome.result = f"{done.add} added, {done.change} changed, {done.remove} destroyed"
    return True


def move_what_terraform_leaves(workspace: "Workspace", *, yes: bool) -> bool:
    """Pin first releases and set sizes; whether anything had to move."""
    environment = workspace.environment
    found = steps(environment, workspace.facts(), workspace.clock.now())
    if found and not yes:
        for step in found:
            click.echo(f"  {step}", err=True)
        confirm(f"Do this to {environment.environment}?", yes=False)
    api_key = workspace.api_key if environment.endpoint.auth == "api-key" else None
    settle(
        environment.environment,
        found,
        workspace.fleet,
        workspace.runtime,
        api_key,
        lambda text: click.echo(text, err=True),
    )
    return bool(found)
