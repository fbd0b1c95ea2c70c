"""`llmctl promote`."""

import click

from cli.options import detach_option, environment_option


@click.command(name="promote")
@environment_option
@click.argument("model", required=False)
@click.option("--full", is_flag=True, help="Straight to 100 %, once the replicas for that are there.")
@detach_option
def command(env: str, model: str | None, *, full: bool, detach: bool) -> int:
    """Go on to the next step of a rollout now, without waiting for the rest of the bake.

    A gate that fails has the last word. Without MODEL: the only one with a rollout. If nobody drives the
    rollout, it is driven from here.
    """
    from cli.context import open_workspace
    from cli.steering import chosen_model, steer
    from infra.rollout.types import Asked

    workspace = open_workspace(env)
    asked = Asked.PROMOTE_FULL if full else Asked.PROMOTE
    return steer(workspace, chosen_model(workspace, model), asked, detach=detach)
