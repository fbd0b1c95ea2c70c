"""`llmctl reap`."""

import click

from cli.options import cloud_options, force_unlock_option, json_option, yes_option


@click.command(name="reap")
@click.argument("names", nargs=-1)
@cloud_options
@json_option
@yes_option
@force_unlock_option
@click.option("--dry-run", is_flag=True, help="Only tell who would be destroyed; exits with 2 if anybody.")
def command(
    names: tuple[str, ...],
    env: str | None,
    region: str | None,
    *,
    as_json: bool,
    yes: bool,
    force_unlock: str | None,
    dry_run: bool,
) -> int:
    """Destroy environments without their files: those whose `ttl` has passed, or NAMES, and prove it.

    In the cloud of --env, or in the account and region of the current credentials. Names are told by
    `inventory --orphans`. What goes wrong with one doesn't stop the others. Exits with 8 when something of
    one is left.
    """
    from cli.reaping import exit_code, reap
    from cli.remains import account
    from cli.render import emit_json
    from cli.render.teardown import print_reaped, reaped_document

    reaped = reap(account(env, region), names, yes=yes, force_unlock=force_unlock, dry_run=dry_run)
    emit_json(reaped_document(reaped)) if as_json else print_reaped(reaped)
    return exit_code(reaped)
