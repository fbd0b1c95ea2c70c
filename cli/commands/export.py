"""`llmctl export`: the same figures and alarms, for teams that run Prometheus or Grafana."""

import json
from pathlib import Path

import click

from cli.options import environment_option


@click.group(name="export")
def command() -> None:
    """Write an environment's alarms for Prometheus, or its dashboards for Grafana."""


@command.command()
@environment_option
def prometheus(env: str) -> None:
    """Print a Prometheus rule file (YAML) with the alarms of all models. See docs/prometheus.md."""
    from io import StringIO

    from ruamel.yaml import YAML

    from cli.context import open_workspace
    from infra.observability.prometheus_rules import prometheus_rules

    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.width = 10_000
    text = StringIO()
    writer.dump(prometheus_rules(open_workspace(env).environment), text)
    click.echo(text.getvalue(), nl=False)


@command.command()
@environment_option
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("grafana"),
    show_default=True,
    help="Folder for NAME.json of each dashboard.",
)
def grafana(env: str, out: Path) -> None:
    """Write Grafana dashboards, ready to import: of the environment, and of each model."""
    from cli.context import open_workspace
    from infra.errors import LlmctlError
    from infra.observability.grafana import grafana_dashboards

    dashboards = grafana_dashboards(open_workspace(env).environment)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, dashboard in dashboards.items():
            path = out / f"{name}.json"
            path.write_text(json.dumps(dashboard, indent=2) + "\n")
            click.echo(path)
    except OSError as error:
        raise LlmctlError(f"--out {out}: {error}", hint="choose a folder that you may write to") from error
