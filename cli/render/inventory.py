"""What is left of an environment."""

from collections.abc import Sequence

import click

from infra.aws.inventory import Leftover


def print_leftovers(environment: str, left: Sequence[Leftover]) -> None:
    """List the resources, or say that there are none."""
    if not left:
        click.echo(f"{environment}: nothing is left")
        return
    click.echo(f"{environment}: {len(left)} resources exist")
    for leftover in left:
        click.echo(f"  {leftover.kind:24} {leftover.id}")
