"""`llmctl logs`."""

from datetime import timedelta

import click

from cli.options import DURATION, environment_option, json_option


@click.command(name="logs")
@environment_option
@click.argument("model", required=False)
@click.option("--replica", metavar="ID", help="Only this instance's lines.")
@click.option("--follow", "-f", is_flag=True, help="Go on with new lines, until Ctrl-C.")
@click.option("--since", type=DURATION, default="10m", show_default=True, help="How far back.")
@json_option
def command(
    env: str, model: str | None, replica: str | None, since: float, *, follow: bool, as_json: bool
) -> None:
    """Show the logs of engines and agents, of one MODEL or of all."""
    from cli.context import open_workspace
    from cli.render.logs import print_line
    from infra.deploy.logs import stream

    workspace = open_workspace(env)
    models = workspace.named_models(model)
    start = workspace.clock.now() - timedelta(seconds=since)
    reader = workspace.log_reader
    for line in stream(reader, models, workspace.clock, since=start, replica=replica, follow=follow):
        print_line(line, as_json=as_json)
