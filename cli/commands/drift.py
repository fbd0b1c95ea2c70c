"""`llmctl drift`."""

import click

from cli.options import environment_option, force_unlock_option, json_option
from infra.errors import ExitCode


@click.command(name="drift")
@environment_option
@json_option
@force_unlock_option
def command(env: str, *, as_json: bool, force_unlock: str | None) -> int:
    """Show how the cloud differs from the file: Terraform's resources, and what Terraform leaves alone.

    Exits with 2 when anything isn't the expected motion of rollouts, policies and the guardian. Changes
    nothing.
    """
    from cli.context import open_workspace
    from cli.render import emit_json
    from cli.render.drift import print_drift
    from cli.render.terraform import showing
    from infra.drift.motion import motion
    from infra.drift.resources import resources
    from infra.drift.types import drifted

    workspace = open_workspace(env)
    workspace.observe_deployed()
    with showing() as observe, workspace.terraform(observe, force_unlock=force_unlock) as terraform:
        plan = terraform.plan()
    seen = motion(workspace.environment, workspace.facts(), workspace.clock.now())
    found = tuple(sorted((*resources(plan), *seen)))
    name = workspace.environment.environment
    if as_json:
        emit_json({"environment": name, "drifted": drifted(found), "findings": found})
    else:
        print_drift(name, found)
    return ExitCode.PLAN_HAS_CHANGES if drifted(found) else ExitCode.OK
