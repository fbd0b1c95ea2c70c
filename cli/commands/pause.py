"""`llmctl pause`."""

import click

from cli.options import detach_option, environment_option


@click.command(name="pause")
@environment_option
@click.argument("model", required=False)
@detach_option
def command(env: str, model: str | None, *, detach: bool) -> int:
    """Hold a rollout where it is; the gates still watch, if somebody drives it.

    Without MODEL: the only one with a rollout. `llmctl resume` goes on, `llmctl abort` goes back.
    """
    from cli.context import open_workspace
    from cli.steering import chosen_model, steer
    from infra.rollout.types import Asked

    workspace = open_workspace(env)
    return steer(workspace, chosen_model(workspace, model), Asked.PAUSE, detach=detach)
