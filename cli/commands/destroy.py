"""`llmctl destroy`."""

import click

from cli.options import environment_option, force_unlock_option, json_option, yes_option
from infra.errors import ExitCode


@click.command(name="destroy")
@environment_option
@json_option
@yes_option
@force_unlock_option
@click.option("--orphans", is_flag=True, help="Only list what exists, known to a state or not.")
@click.option("--no-drain", is_flag=True, help="Don't wait for requests in flight.")
def command(
    env: str, *, as_json: bool, yes: bool, force_unlock: str | None, orphans: bool, no_drain: bool
) -> int:
    """Take an environment down: drain, destroy, and prove by an inventory that nothing is left.

    The bucket of the Terraform state stays: other environments of the account share it.
    """
    from cli.context import open_workspace
    from cli.destroying import destroy
    from cli.render import emit_json
    from cli.render.inventory import print_leftovers

    workspace = open_workspace(env)
    if not orphans and not workspace.cloud_is_down:
        destroy(workspace, yes=yes, force_unlock=force_unlock, drain=not no_drain)
    left = () if workspace.cloud_is_down else workspace.leftovers(patience=0 if orphans else 60)
    emit_json(left) if as_json else print_leftovers(workspace.environment.environment, left)
    return ExitCode.RESOURCES_LEFT if left else ExitCode.OK
