"""`llmctl deploy`."""

import click

from cli.options import DURATION, environment_option, force_unlock_option, json_option, yes_option


@click.command(name="deploy")
@environment_option
@json_option
@yes_option
@force_unlock_option
@click.option("--timeout", type=DURATION, default="30m", show_default=True, help="How long to wait.")
def command(env: str, *, as_json: bool, yes: bool, force_unlock: str | None, timeout: float) -> None:
    """Create or update an environment, and wait until every live replica is healthy at the load balancer.

    Shows what Terraform will do and asks. Running it again changes nothing.
    """
    from cli.context import open_workspace
    from cli.deploying import apply_changes, move_what_terraform_leaves
    from cli.render import emit_json
    from cli.render.deploy import print_deployed, print_waiting_releases
    from cli.render.live import watching
    from infra.deploy.wait import until_ready

    workspace = open_workspace(env, starts_cloud=True)
    applied = apply_changes(workspace, yes=yes, force_unlock=force_unlock)
    moved = move_what_terraform_leaves(workspace, yes=yes or applied)
    with watching() as watch:
        state = until_ready(workspace.observe, workspace.clock, timeout=timeout, watch=watch)
    print_waiting_releases(state)
    emit_json(state) if as_json else print_deployed(
        state, env, workspace.environment, changed=applied or moved
    )
