"""`llmctl deploy`."""

from pathlib import Path

import click

from cli.options import DURATION, environment_option, force_unlock_option, json_option, yes_option


@click.command(name="deploy")
@environment_option
@json_option
@yes_option
@force_unlock_option
@click.option("--timeout", type=DURATION, default="30m", show_default=True, help="How long to wait.")
@click.option("--no-rollout", is_flag=True, help="Leave a new release waiting; the live one stays.")
@click.option("--detach", is_flag=True, help="Begin rollouts but don't drive them: `llmctl resume` does.")
@click.option(
    "--plan",
    "plan",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Apply this plan, which `llmctl plan --out` made, and no other.",
)
@click.option("--retry", is_flag=True, help="Also roll out a release that was rolled back before.")
def command(
    env: str,
    *,
    as_json: bool,
    yes: bool,
    force_unlock: str | None,
    timeout: float,
    no_rollout: bool,
    detach: bool,
    retry: bool,
    plan: Path | None,
) -> int:
    """Create or update an environment, roll out what changed, and wait until everything serves.

    Shows what Terraform will do and asks. A changed model becomes a release that takes over the traffic step
    by step, and is rolled back when it is worse. Running it again changes nothing.
    """
    from cli.context import open_workspace
    from cli.deploying import apply_changes, move_what_terraform_leaves, roll_out_releases
    from cli.render import emit_json
    from cli.render.deploy import print_deployed, print_waiting_releases
    from cli.render.live import watching
    from infra.deploy.wait import until_ready
    from infra.errors import ExitCode
    from infra.plan.archive import read

    archive = read(plan) if plan else None
    workspace = open_workspace(env, starts_cloud=True)
    applied = apply_changes(workspace, yes=yes, force_unlock=force_unlock, archive=archive)
    moved = move_what_terraform_leaves(workspace, yes=yes or applied)
    code = None if no_rollout else roll_out_releases(workspace, yes=yes, retry=retry, detach=detach)
    if code in (None, ExitCode.OK):
        with watching() as watch:
            until_ready(workspace.observe, workspace.clock, timeout=timeout, watch=watch)
    state = workspace.observe()
    print_waiting_releases(state)
    changed = applied or moved or code is not None
    emit_json(state) if as_json else print_deployed(state, env, workspace.environment, changed=changed)
    return ExitCode.OK if code is None else code
