"""`llmctl api-key`."""

import click

from cli.options import environment_option


@click.command(name="api-key")
@environment_option
def command(env: str) -> None:
    """Print the API key of an environment's endpoint, for use in $(...)."""
    from cli.context import open_workspace
    from infra.errors import Refused

    workspace = open_workspace(env)
    if workspace.environment.endpoint.auth == "none":
        raise Refused(f"{workspace.path}: endpoint.auth is none: there is no key")
    click.echo(workspace.api_key.read())
