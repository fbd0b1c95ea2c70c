"""`llmctl doctor`."""

import os

import click

from cli.options import json_option
from infra.errors import ExitCode


@click.command(name="doctor")
@json_option
@click.option("--env", "-e", "env", metavar="NAME", help="Also require what this environment needs.")
@click.option("--list", "list_only", is_flag=True, help="List all rules: of machine, file and plan.")
def command(env: str | None, *, as_json: bool, list_only: bool) -> int:
    """Show what llmctl needs, what it found, and what to do. Exits with 6 if it can't work like this."""
    from cli.context import open_workspace
    from cli.render import emit_json
    from cli.render.doctor import print_results, print_rules
    from infra.checks.catalogue import catalogue
    from infra.checks.doctor import examine, is_fit

    if list_only:
        emit_json(catalogue()) if as_json else print_rules(catalogue())
        return ExitCode.OK
    results = examine(os.environ, open_workspace(env).environment.provider.name if env else None)
    emit_json({"fit": is_fit(results), "checks": results}) if as_json else print_results(results)
    return ExitCode.OK if is_fit(results) else ExitCode.REFUSED
