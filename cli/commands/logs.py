"""`llmctl logs`."""

from contextlib import suppress
from datetime import timedelta

import click

from cli.options import DURATION, environment_option, json_option


@click.command(name="logs")
@environment_option
@click.argument("model", required=False)
@click.option("--replica", metavar="ID", help="Only this instance's lines.")
@click.option("--source", type=click.Choice(("engine", "agent")), help="Only lines of engines, or of agents.")
@click.option("--grep", "text", metavar="TEXT", help="Only lines with TEXT in them, such as a request's id.")
@click.option("--follow", "-f", is_flag=True, help="Go on with new lines, until Ctrl-C.")
@click.option("--since", type=DURATION, default="10m", show_default=True, help="How far back.")
@json_option
def command(
    env: str,
    model: str | None,
    replica: str | None,
    source: str | None,
    text: str | None,
    since: float,
    *,
    follow: bool,
    as_json: bool,
) -> None:
    """Show the logs of engines and agents, of one MODEL or of all.

    Times are UTC. With --json, one object a line.
    """
    from cli.context import open_workspace
    from cli.render.logs import print_line
    from infra.deploy.logs import Choice, stream

    workspace = open_workspace(env)
    models, clock, reader = workspace.named_models(model), workspace.clock, workspace.log_reader
    start = clock.now() - timedelta(seconds=since)
    choice = Choice(replica=replica, source=source, text=text)
    shown = False
    with suppress(KeyboardInterrupt):
        for line in stream(reader, models, clock, since=start, choice=choice, follow=follow):
            print_line(line, as_json=as_json)
            shown = True
    if not shown and not follow:
        workspace.explain_nothing("such lines")
