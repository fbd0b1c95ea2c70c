"""`llmctl events`."""

from contextlib import suppress
from datetime import timedelta

import click

from cli.options import DURATION, environment_option, json_option


@click.command(name="events")
@environment_option
@click.argument("model", required=False)
@click.option("--since", type=DURATION, default="24h", show_default=True, help="How far back.")
@click.option("--follow", "-f", is_flag=True, help="Go on with new events, until Ctrl-C.")
@json_option
def command(env: str, model: str | None, since: float, *, follow: bool, as_json: bool) -> None:
    """Show the audit log: every change that somebody made, and every phase that a replica went through.

    With MODEL, what concerns it and the environment as a whole. Times are UTC. With --json, one object a
    line.
    """
    from cli.context import open_workspace
    from cli.render.events import print_event
    from infra.deploy.events import concerns, stream

    workspace = open_workspace(env)
    name, models, clock = workspace.environment.environment, workspace.named_models(model), workspace.clock
    start = clock.now() - timedelta(seconds=since)
    shown = False
    with suppress(KeyboardInterrupt):
        for event in stream(workspace.runtime, clock, since=start, follow=follow):
            if model is None or concerns(event, name, models):
                print_event(event, as_json=as_json)
                shown = True
    if not shown and not follow:
        workspace.explain_nothing("events")
