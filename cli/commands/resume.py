"""`llmctl resume`."""

import click

from cli.options import detach_option, environment_option


@click.command(name="resume")
@environment_option
@click.argument("model", required=False)
@detach_option
def command(env: str, model: str | None, *, detach: bool) -> int:
    """Go on with a rollout: drive it from here, or watch it if somebody else drives it already.

    What is paused goes on. Without MODEL: the only one with a rollout. With --detach, a paused rollout is
    told to go on, and nothing else is done.
    """
    from cli.context import open_workspace
    from cli.steering import chosen_model, resume

    workspace = open_workspace(env)
    return resume(workspace, chosen_model(workspace, model), detach=detach)
