"""`llmctl rollout`."""

from pathlib import Path

import click

from cli.options import LENGTH, environment_option, json_option

_ID = click.option("--rollout", "rollout", metavar="ID", help="One of `rollout history`; default: the last.")


@click.group(name="rollout")
def command() -> None:
    """Show rollouts: where one is, those of the past, and a report."""


@command.command(name="status")
@environment_option
@click.argument("model", required=False)
@click.option("--watch", "-w", is_flag=True, help="Stay until it is over, or Ctrl-C.")
@click.option("--timeout", type=LENGTH, help="Stay for so long at most; implies --watch.")
@json_option
def status_(env: str, model: str | None, *, watch: bool, timeout: float | None, as_json: bool) -> int:
    """Show where a rollout is: slots, steps, gates, who drives it. Changes nothing.

    With --watch or --timeout the exit code tells how it ended: 0 the new release has all the traffic (or
    there is no rollout), 4 rolled back, 5 not over yet, or paused because the gates can't tell. Otherwise it
    is 0.
    """
    from cli.context import open_workspace
    from cli.looking import show_status

    return show_status(open_workspace(env), model, stay=watch, timeout=timeout, as_json=as_json)


@command.command(name="history")
@environment_option
@click.argument("model", required=False)
@json_option
def history_(env: str, model: str | None, *, as_json: bool) -> None:
    """Show the rollouts of all models, or of MODEL, newest first."""
    from cli.context import open_workspace
    from cli.looking import histories
    from cli.render import emit_json
    from cli.render.rollout import print_history

    rows = histories(open_workspace(env), model)
    emit_json(rows) if as_json else print_history(rows)


@command.command(name="report")
@environment_option
@click.argument("model", required=False)
@_ID
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="A file, not stdout.")
@json_option
def report_(env: str, model: str | None, rollout: str | None, output: Path | None, *, as_json: bool) -> None:
    """Write a page about a rollout: weights, errors and latency over time, verdicts, what was changed.

    The page is one HTML file that needs no network. With --json: plan, status and all entries of the journal.
    """
    from cli.context import open_workspace
    from cli.looking import story
    from cli.render.rollout_report import page, write
    from infra.rollout.report import document

    workspace = open_workspace(env)
    told = story(workspace, model, rollout)
    name = workspace.environment.environment
    write(document(told), output) if as_json else write(page(told, name), output)
