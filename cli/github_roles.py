"""The roles of a repository's jobs: `llmctl bootstrap --github`."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cli.context import Workspace
    from infra.aws.state_bucket import Done


@dataclass(frozen=True, kw_only=True)
class Roles:
    """What `bootstrap --github` made, or found as it should be."""

    repository: str
    provider: "Done"
    changed: bool
    """Whether a role was created or changed."""
    plan: str
    """ARN."""
    apply: str
    """ARN."""


def make_roles(workspace: "Workspace", name: str, *, yes: bool) -> Roles:
    """Plan, show, ask, apply: the identity provider of the account, and the environment's two roles."""
    from cli.ask import confirm
    from cli.render.plan import print_plan
    from cli.render.terraform import showing
    from infra.aws.identity_provider import ensure_github
    from infra.environment import github
    from infra.plan.changes import resource_changes
    from infra.plan.report import resources
    from infra.terraform.runner import Backend, Terraform

    repository = github.repository(name)
    environment, region = workspace.environment.environment, workspace.environment.provider.region
    stack = github.stack(environment)
    told = {**os.environ, "LLMCTL_GITHUB": repository.name}
    with showing() as observe, Terraform(workspace.path, stack, told, observe) as terraform:
        terraform.synth()
        terraform.reach(workspace.variables)
        terraform.init(Backend(workspace.state_bucket.name, github.state_key(environment), region))
        plan = terraform.plan()
        if plan.has_changes:
            changes = resource_changes(terraform.show(plan))
            print_plan(resources(stack, changes, has_changes=True), stderr=True)
            confirm(f"Let jobs of {repository.name} act on {environment} by these roles?", yes=yes)
        provider = ensure_github(workspace.session)
        if plan.has_changes:
            terraform.apply(plan)
        made = terraform.outputs()
    arns = {"plan": made["plan_role"], "apply": made["apply_role"]}
    return Roles(repository=repository.name, provider=provider, changed=plan.has_changes, **arns)


def print_roles(environment: str, roles: Roles) -> None:
    """The roles, and the commands that tell GitHub of them."""
    click.echo(f"{roles.repository}: identity provider: {_done(changed=roles.provider.changed)}")
    click.echo(f"{roles.repository}: roles: {_done(changed=roles.changed)}")
    repository = "/".join(part.partition("@")[0] for part in roles.repository.split("/"))
    setting = f"--repo {repository} --body"
    click.echo(f"next: gh variable set LLMCTL_PLAN_ROLE {setting} {roles.plan}", err=True)
    click.echo("      (with more environments: LLMCTL_PLAN_ROLES, docs/ci.md)", err=True)
    click.echo(
        f"next: gh variable set LLMCTL_APPLY_ROLE --env {environment} {setting} {roles.apply}", err=True
    )


def _done(*, changed: bool) -> str:
    return "done" if changed else "already there"
