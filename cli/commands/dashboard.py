"""`llmctl dashboard`."""

import click

from cli.options import LENGTH, environment_option


@click.command(name="dashboard")
@environment_option
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    show_default=True,
    help="Port on 127.0.0.1; 0: any free one.",
)
@click.option(
    "--since", type=LENGTH, default="1h", show_default=True, help="How far the charts look back at first."
)
@click.option(
    "--open/--no-open", "opens", default=False, help="Open it in the browser; default: print its URL."
)
def command(env: str, *, port: int, since: float, opens: bool) -> None:
    """Serve a local, read-only web page: traffic, replicas, alarms and charts. Ctrl-C ends it."""
    from cli.browser import open_in_browser
    from cli.context import dashboard_source, open_workspace
    from infra.dashboard.guard import new_token
    from infra.dashboard.serve import ADDRESS, serve
    from infra.dashboard.server import about, application

    environment = open_workspace(env).environment
    token = new_token()

    def ready(bound: int) -> None:
        url = f"http://{ADDRESS}:{bound}/{token}/"
        click.echo(url)
        click.echo("Whoever has this address can read the page. Ctrl-C ends it.", err=True)
        if opens:
            open_in_browser(url)

    first = about(environment.environment, tuple(environment.models), since)
    serve(application(dashboard_source(env), first, token), port, ready)
