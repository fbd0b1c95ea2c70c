"""`llmctl destroy`."""

import click

from cli.options import environment_option, force_unlock_option, json_option, yes_option
from infra.errors import ExitCode


@click.command(name="destroy")
@environment_option
@json_option
@yes_option
@force_unlock_option
@click.option("--no-drain", is_flag=True, help="Don't wait for requests in flight.")
@click.option("--dry-run", is_flag=True, help="Show every step in its order and change nothing.")
def command(
    env: str, *, as_json: bool, yes: bool, force_unlock: str | None, no_drain: bool, dry_run: bool
) -> int:
    """Take an environment down: drain, destroy, and prove by an inventory that nothing is left.

    What a killed run left outside Terraform's state is listed, asked for and removed too. The bucket of the
    Terraform state stays: other environments of the account share it.

    With --dry-run: exits with 2 when there is something to destroy, with 6 when the environment is protected.
    """
    from cli.context import open_workspace
    from cli.destroying import destroy
    from cli.render import emit_json
    from cli.render.inventory import leftover_document, print_leftovers
    from cli.teardown import show_rehearsal

    workspace = open_workspace(env)
    if dry_run:
        return show_rehearsal(workspace, as_json=as_json, force_unlock=force_unlock)
    down = workspace.cloud_is_down
    left = () if down else destroy(workspace, yes=yes, force_unlock=force_unlock, drain=not no_drain)
    name = workspace.environment.environment
    emit_json(leftover_document(left)) if as_json else print_leftovers(name, left)
    return ExitCode.RESOURCES_LEFT if left else ExitCode.OK
