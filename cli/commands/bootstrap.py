"""`llmctl bootstrap`."""

import click

from cli.options import environment_option, json_option, yes_option


@click.command(name="bootstrap")
@environment_option
@json_option
@yes_option
def command(env: str, *, as_json: bool, yes: bool) -> None:
    """Create the bucket that holds the Terraform state: once for each account and region."""
    from cli.ask import confirm
    from cli.context import open_workspace
    from cli.render import emit_json

    workspace = open_workspace(env, starts_cloud=True)
    bucket = workspace.state_bucket
    if not bucket.exists():
        region = workspace.environment.provider.region
        confirm(f"Create the bucket {bucket.name} in {region} (costs: cents a month)?", yes=yes)
    done = bucket.ensure()
    if as_json:
        emit_json({"bucket": bucket.name, "properties": done})
        return
    for each in done:
        click.echo(f"{bucket.name}: {each.what}: {'done' if each.changed else 'already there'}")
    click.echo(f"next: llmctl plan --env {env}", err=True)
