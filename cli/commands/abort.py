"""`llmctl abort`."""

import click

from cli.options import environment_option, yes_option


@click.command(name="abort")
@environment_option
@click.argument("model", required=False)
@yes_option
def command(env: str, model: str | None, *, yes: bool) -> int:
    """Take a rollout back: all the traffic to the old release, then the new replicas leave.

    Without MODEL: the only one with a rollout. If nobody drives the rollout, it is driven from here. For a
    rollout that is over, see `llmctl rollback`.
    """
    from cli.context import open_workspace
    from cli.steering import chosen_model, go_back

    workspace = open_workspace(env)
    return go_back(workspace, chosen_model(workspace, model), yes=yes)
