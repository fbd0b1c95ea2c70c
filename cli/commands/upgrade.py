"""`llmctl upgrade`."""

import click

from cli.options import DURATION, PERCENTAGES, environment_option, json_option, yes_option


@click.command(name="upgrade")
@environment_option
@click.argument("model")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change the file: engine.version=0.11.0."
)
@click.option("--steps", type=PERCENTAGES, help="Percentages of traffic, such as 5,25,50,100.")
@click.option("--bake", type=DURATION, help="How long each step is watched.")
@click.option("--pause-at", type=PERCENTAGES, help="Steps after which a person must promote.")
@click.option("--strategy", type=click.Choice(["canary", "blue-green", "all-at-once"]))
@click.option("--detach", is_flag=True, help="Begin the rollout but don't drive it: `llmctl resume` does.")
@yes_option
@json_option
def command(
    env: str,
    model: str,
    *,
    settings: tuple[str, ...],
    steps: tuple[int, ...] | None,
    bake: float | None,
    pause_at: tuple[int, ...] | None,
    strategy: str | None,
    detach: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Bring a new release of MODEL into its traffic, step by step, and take it back when it is worse.

    --set changes the environment file, comments kept; the other options hold for this rollout only. Shows the
    file's change, Terraform's plan and the rollout's, and asks once; the file stays as it was after a no.
    """
    from cli.context import open_workspace
    from cli.upgrading import emit_state, upgrade
    from infra.rollout.planning import Overrides

    overrides = Overrides(strategy=strategy, steps=steps, bake=bake, pause_at=pause_at)
    workspace = open_workspace(env, starts_cloud=True)
    code = upgrade(workspace, model, settings, overrides, yes=yes, detach=detach)
    if as_json:
        emit_state(workspace, model)
    return code
