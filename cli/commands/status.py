"""`llmctl status`."""

import click

from cli.options import environment_option, json_option


@click.command(name="status")
@environment_option
@json_option
@click.option("--watch", "-w", is_flag=True, help="Show it again every two seconds, until Ctrl-C.")
@click.option("--endpoint", is_flag=True, help="Print only the endpoint's URL.")
def command(env: str, *, as_json: bool, watch: bool, endpoint: bool) -> None:
    """Show models, slots, releases, weights and replicas. `*` marks the live slot."""
    from cli.context import open_workspace
    from cli.render import emit_json
    from cli.render.live import watching
    from cli.render.status import print_state
    from infra.deploy.wait import watch_forever

    workspace = open_workspace(env)
    state = workspace.observe_deployed()
    if endpoint:
        click.echo(state.endpoint)
    elif watch:
        with watching() as show:
            watch_forever(workspace.observe_deployed, workspace.clock, show)
    elif as_json:
        emit_json(state)
    else:
        print_state(state)
