"""`llmctl bootstrap`."""

import click

from cli.options import environment_option, json_option, yes_option


@click.command(name="bootstrap")
@environment_option
@json_option
@yes_option
@click.option("--github", metavar="OWNER/REPO", help="Also make the roles for its jobs (docs/ci.md).")
def command(env: str, *, as_json: bool, yes: bool, github: str | None) -> None:
    """Create the bucket that holds the Terraform state: once for each account and region.

    With --github also what lets the repository's jobs plan and apply this environment without keys: GitHub as
    the account's identity provider, a role for plans and one for changes. Run it again after an update of
    llmctl, so that they keep up with what it needs. A repository made after 15 July 2026 is told by its
    numbers as well: OWNER@ID/REPO@ID.
    """
    from cli.ask import confirm
    from cli.context import open_workspace
    from cli.github_roles import make_roles, print_roles
    from cli.render import emit_json

    workspace = open_workspace(env, starts_cloud=True)
    bucket = workspace.state_bucket
    if not bucket.exists():
        region = workspace.environment.provider.region
        confirm(f"Create the bucket {bucket.name} in {region} (costs: cents a month)?", yes=yes)
    done = bucket.ensure()
    roles = make_roles(workspace, github, yes=yes) if github else None
    if as_json:
        emit_json({"bucket": bucket.name, "properties": done} | ({"github": roles} if roles else {}))
        return
    for each in done:
        click.echo(f"{bucket.name}: {each.what}: {'done' if each.changed else 'already there'}")
    if roles:
        print_roles(env, roles)
    click.echo(f"next: llmctl plan --env {env}", err=True)
