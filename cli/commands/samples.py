"""`llmctl samples`."""

from datetime import timedelta
from pathlib import Path

import click

from cli.options import DURATION, environment_option, json_option

_SINCE = click.option("--since", type=DURATION, default="24h", show_default=True, help="How far back.")
_RELEASE = click.option("--release", type=click.IntRange(1), metavar="N", help="Only this release's.")


@click.group(name="samples")
def command() -> None:
    """Show and fetch captured requests and answers (see `capture` in the environment file)."""


@command.command(name="list")
@environment_option
@click.argument("model", required=False)
@_SINCE
@_RELEASE
@json_option
def list_(env: str, model: str | None, since: float, release: int | None, *, as_json: bool) -> None:
    """Show which samples there are, by model, release and hour."""
    from cli.context import open_workspace
    from cli.render import emit_json
    from cli.render.samples import print_hours
    from infra.samples.catalogue import by_hour

    workspace = open_workspace(env)
    models = workspace.named_models(model)
    start = workspace.clock.now() - timedelta(seconds=since)
    bucket = workspace.sample_bucket
    found = [item for name in models for item in bucket.batches(name, since=start, release=release)]
    if as_json:
        emit_json(sorted(found, key=lambda item: (item.hour, item.key)))
    else:
        print_hours(by_hour(found))


@command.command(name="fetch")
@environment_option
@click.argument("model")
@_SINCE
@_RELEASE
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the newest N.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file, not stdout.")
def fetch_(
    env: str, model: str, since: float, release: int | None, limit: int | None, output: Path | None
) -> None:
    """Fetch a MODEL's samples as JSON lines, oldest first."""
    from cli.context import open_workspace
    from cli.render.samples import write_samples
    from infra.samples.catalogue import fetch

    workspace = open_workspace(env)
    (name,) = workspace.named_models(model)
    start = workspace.clock.now() - timedelta(seconds=since)
    samples = fetch(workspace.sample_bucket, name, since=start, release=release, limit=limit)
    write_samples(samples, output)
