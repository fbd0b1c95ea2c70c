"""`llmctl inventory`."""

import click

from cli.options import cloud_options, json_option
from infra.errors import ExitCode


@click.command(name="inventory")
@cloud_options
@json_option
@click.option("--orphans", is_flag=True, help="What no Terraform state knows, of every environment there is.")
def command(env: str | None, region: str | None, *, as_json: bool, orphans: bool) -> int:
    """List what exists of an environment, with its age and price, as the services themselves tell.

    With --orphans: what is left of environments that crashed or whose file is gone, in the cloud of --env, or
    in the account and region of the current credentials. Exits with 8 when there are any.
    """
    from cli.render import emit_json
    from cli.render.inventory import inventory_document, print_inventory
    from cli.teardown import found_orphans, whole_inventory

    lines = found_orphans(env, region) if orphans else whole_inventory(env)
    if as_json:
        emit_json(inventory_document(lines))
    elif lines:
        print_inventory(lines)
    else:
        click.echo("nothing exists")
    return ExitCode.RESOURCES_LEFT if orphans and lines else ExitCode.OK
