"""`llmctl chaos`: take things away from a running environment, and measure what is missed."""

from pathlib import Path
from typing import Any

import click

from cli.options import NumberType, environment_option, json_option, yes_option
from infra.errors import ExitCode

_RATE = NumberType(0, 10_000, min_open=True)


@click.group(name="chaos")
def command() -> None:
    """Take things away from a running environment under constant load, and measure what is missed.

    The embedded cloud can do all of it; in an account AWS's Fault Injection Service gives spot notices, where
    the environment's file allows it.
    """


@command.command(name="list")
@json_option
def list_suites(*, as_json: bool) -> None:
    """Show the suites."""
    from dataclasses import asdict

    from cli.render import emit_json
    from cli.render.chaos import print_suites
    from infra.chaos.suites import SHIPPED

    if as_json:
        emit_json([asdict(suite) for suite in SHIPPED.values()])
    else:
        print_suites(SHIPPED.values())


@command.command()
@click.argument("suite", metavar="SUITE|FILE")
@environment_option
@click.option("--model", metavar="MODEL", help="Needed where the environment has several.")
@click.option("--rate", type=_RATE, default=20.0, show_default=True, help="Requests a second.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed, the same victims.")
@click.option("--fis", is_flag=True, help="By AWS's Fault Injection Service, on the embedded cloud too.")
@yes_option
@json_option
def run(suite: str, env: str, model: str | None, *, as_json: bool, **how: Any) -> None:
    """Run a shipped SUITE, or one of a YAML FILE; exit code 1 if the environment missed its budget."""
    from cli import chaos_file
    from cli.chaos import Asked, conduct
    from cli.context import open_workspace
    from cli.render import emit_json
    from cli.render.chaos import print_report
    from infra.chaos.suites import named

    chosen = chaos_file.read(Path(suite)) if chaos_file.is_file(suite) else named(suite)
    told = conduct(open_workspace(env), chosen, model, Asked(**how))
    if as_json:
        emit_json(told.document())
    else:
        print_report(told)
    if not told.passed:
        click.get_current_context().exit(ExitCode.FAILED)
