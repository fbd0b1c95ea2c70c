"""`llmctl validate`."""

from pathlib import Path

import click

from cli.options import json_option
from infra.errors import ExitCode


@click.command(name="validate")
@click.argument("paths", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--env", "-e", "env", metavar="NAME", help="An environment, by name. Default: all of them.")
@json_option
def command(paths: tuple[Path, ...], env: str | None, *, as_json: bool) -> int:
    """Check environment files; all errors at once. Exits with 6 when there are any."""
    from cli.render import emit_json
    from cli.render.validation import print_report
    from infra.environment.report import chosen, report

    reports = [report(path) for path in chosen(paths, env)]
    if as_json:
        emit_json({"valid": all(each.valid for each in reports), "files": reports})
    else:
        for each in reports:
            print_report(each)
    return ExitCode.OK if all(each.valid for each in reports) else ExitCode.REFUSED
