"""`llmctl cost`."""

import click

from cli.options import environment_option, json_option


@click.command(name="cost")
@environment_option
@json_option
def command(env: str, *, as_json: bool) -> None:
    """Show what the environment of the file costs by the month: low, expected and high. Nothing is deployed.

    Prices are AWS's of today where it can be asked, and otherwise those that llmctl brings along.
    """
    from cli.context import open_workspace
    from cli.render import emit_json
    from cli.render.cost import print_cost
    from infra.cost.estimate import estimate

    workspace = open_workspace(env)
    prices = workspace.prices()
    found = estimate(workspace.environment, prices, stale=prices.is_stale(workspace.clock.now().date()))
    emit_json(found) if as_json else print_cost(found)
