"""`llmctl metrics`."""

from contextlib import suppress

import click

from cli.options import LENGTH, environment_option, json_option


@click.command(name="metrics")
@environment_option
@click.argument("model", required=False)
@click.option("--since", type=LENGTH, default="1h", show_default=True, help="How far back.")
@click.option("--watch", "-w", is_flag=True, help="Show it again and again, until Ctrl-C.")
@json_option
def command(env: str, model: str | None, since: float, *, watch: bool, as_json: bool) -> None:
    """Show traffic, latency, tokens, load and cost: an overview, or everything of one MODEL.

    Rates and percentiles are over the whole time, replicas and cost an hour are the newest; `*` marks the
    live release. A time of which there is nothing is blank, not zero.
    """
    from cli.context import open_workspace
    from cli.render import emit_json
    from cli.render.metrics import live_summary, print_summary
    from infra.metrics.window import refresh_seconds

    if watch and as_json:
        raise click.UsageError("--watch is for people: with --json ask again, as often as you like")
    workspace = open_workspace(env)
    models, detail = workspace.named_models(model), model is not None
    if as_json:
        emit_json(workspace.metrics(models, since))
    elif watch:
        with suppress(KeyboardInterrupt), live_summary(detail=detail) as show:
            while True:
                show(workspace.metrics(models, since))
                workspace.clock.sleep(refresh_seconds(workspace.environment))
    else:
        print_summary(workspace.metrics(models, since), detail=detail)
