"""`llmctl synth`."""

from pathlib import Path

import click

from cli.options import environment_option


@click.command(name="synth")
@environment_option
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("cdktf.out"),
    show_default=True,
    help="Folder to write to; the stack goes to stacks/ENVIRONMENT/ in it.",
)
def command(env: str, out: Path) -> None:
    """Write the Terraform configuration of an environment. The same file gives the same bytes."""
    import os

    from cli.context import open_workspace
    from infra.terraform.synth import synthesize

    workspace = open_workspace(env)
    stack = synthesize(workspace.path, workspace.environment.environment, out, os.environ)
    click.echo(stack / "cdk.tf.json")
