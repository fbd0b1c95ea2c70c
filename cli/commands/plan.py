"""`llmctl plan`."""

from pathlib import Path

import click

from cli.options import environment_option, force_unlock_option, json_option
from infra.errors import ExitCode


@click.command(name="plan")
@environment_option
@json_option
@force_unlock_option
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep Terraform's plan file here. It may hold secrets: only you can read it.",
)
def command(env: str, *, as_json: bool, force_unlock: str | None, out: Path | None) -> int:
    """Show what a deploy would change. Exits with 2 when there are changes, with 0 when there are none."""
    from cli.context import open_workspace
    from cli.render import emit_json
    from cli.render.plan import print_plan
    from cli.render.terraform import showing
    from infra.terraform.plan import report

    workspace = open_workspace(env, starts_cloud=True)
    with showing() as observe, workspace.terraform(observe, force_unlock=force_unlock) as terraform:
        plan = terraform.plan()
        if out:
            terraform.keep(plan, out)
    result = report(workspace.environment.environment, plan, workspace.environment.models)
    emit_json(result) if as_json else print_plan(result)
    return ExitCode.PLAN_HAS_CHANGES if plan.has_changes else ExitCode.OK
