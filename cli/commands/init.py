"""`llmctl init`."""

import click


@click.command(name="init")
@click.argument("name")
@click.option(
    "--provider",
    type=click.Choice(["aws", "embedded"]),
    default="aws",
    show_default=True,
    help="aws, or embedded: the emulated cloud on this machine.",
)
@click.option("--region", default="us-east-1", show_default=True, help="AWS region.")
def command(name: str, provider: str, region: str) -> None:
    """Write environments/NAME.yaml, commented, to start from. Never overwrites."""
    from infra.environment.load import environments_directory
    from infra.environment.starter import write

    path = write(environments_directory(), name, provider, region)
    click.echo(path)
    click.echo(f"Edit it, then check it: llmctl validate --env {name}", err=True)
