"""What a teardown would do."""

from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from cli.render.inventory import leftover_document
from infra.teardown.reaping import Reaped
from infra.teardown.rehearsal import Rehearsal
from infra.teardown.types import Resource


def print_rehearsal(rehearsal: Rehearsal) -> None:
    """Every step of a destroy, in its order."""
    if rehearsal.protected:
        loud = f"{rehearsal.environment} is PROTECTED: destroy refuses; what follows is what it would do"
        Console(highlight=False, soft_wrap=True).print(Text(loud, style="bold red"))
    if rehearsal.is_empty:
        click.echo(f"{rehearsal.environment}: nothing to destroy")
        return
    steps = [("drain and take to zero", rehearsal.drain)] if rehearsal.drain else []
    if rehearsal.strangers:
        steps.append(("remove, what is in no Terraform state", tuple(map(_line, rehearsal.strangers))))
    steps += [("let Terraform destroy", wave) for wave in rehearsal.waves]
    for number, (what, lines) in enumerate(steps, 1):
        click.echo(f"{number}. {what}")
        for line in lines:
            click.echo(f"   - {line}")
    count = sum(map(len, rehearsal.waves))
    click.echo(
        f"{rehearsal.environment}: {count} by Terraform, {len(rehearsal.strangers)} that it doesn't know; "
        "nothing was changed"
    )


def _line(resource: Resource) -> str:
    return f"{resource.kind} {resource.id}{'  PROTECTED' if resource.protected else ''}"


def print_reaped(reaped: Sequence[Reaped]) -> None:
    """A line for each environment, and what is left of it."""
    if not reaped:
        click.echo("nobody's time is over")
    for each in reaped:
        click.echo(f"{each.environment}: {each.outcome}{f' ({each.reason})' if each.reason else ''}")
        for left in each.left:
            click.echo(f"  {left.resource.kind:24} {left.resource.id}: {left.reason}")


def reaped_document(reaped: Sequence[Reaped]) -> list[dict[str, Any]]:
    """The same as plain data."""
    return [
        {
            "environment": each.environment,
            "end": each.end,
            "outcome": each.outcome,
            "reason": each.reason,
            "left": leftover_document(each.left),
        }
        for each in reaped
    ]
