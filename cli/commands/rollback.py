"""`llmctl rollback`."""

import click

from cli.options import environment_option, yes_option


@click.command(name="rollback")
@environment_option
@click.argument("model", required=False)
@click.option("--to", "release", type=click.IntRange(1), metavar="RELEASE", help="Default: the previous one.")
@yes_option
def command(env: str, model: str | None, *, release: int | None, yes: bool) -> int:
    """Go back to the previous release, or to another one that still exists.

    While the old replicas are warm, that is one call to the load balancer; later it is a rollout to the old
    release, with its steps and gates. Without MODEL: the only one with a rollout.
    """
    from cli.context import open_workspace
    from cli.returning import roll_back
    from cli.steering import chosen_model

    workspace = open_workspace(env)
    return roll_back(workspace, chosen_model(workspace, model), release, yes=yes)
