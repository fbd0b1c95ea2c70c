"""What exists of environments, with its age and price."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from cli.render.quantity import age_text
from infra.teardown.removing import Left
from infra.teardown.types import Priced

_WIDTH = 160
"""ARNs are long, and a name that is cut is of no use."""


def print_leftovers(environment: str, left: Sequence[Left]) -> None:
    """List the resources that could not be removed, with the reasons, or say that there are none."""
    if not left:
        click.echo(f"{environment}: nothing is left")
        return
    click.echo(f"{environment}: {len(left)} resources exist")
    for each in left:
        click.echo(f"  {each.resource.kind:24} {each.resource.id}: {each.reason}")


def leftover_document(left: Sequence[Left]) -> list[dict[str, str]]:
    """The same as plain data."""
    return [
        {
            "environment": each.resource.environment,
            "kind": each.resource.kind,
            "id": each.resource.id,
            "reason": each.reason,
        }
        for each in left
    ]


def print_inventory(lines: Sequence[Priced]) -> None:
    """A table for each environment, with what its known prices come to."""
    for environment, found in groupby(lines, key=lambda line: line.resource.environment):
        _print_environment(environment, list(found))


def inventory_document(lines: Sequence[Priced]) -> list[dict[str, Any]]:
    """The same as plain data: one flat object for each resource."""
    return [
        {
            "environment": line.resource.environment,
            "kind": line.resource.kind,
            "id": line.resource.id,
            "created": line.resource.created,
            "age_seconds": line.age,
            "type": line.resource.type,
            "market": line.resource.market,
            "size_gib": line.resource.size_gib,
            "protected": line.resource.protected,
            "dollars_per_month": line.monthly,
        }
        for line in lines
    ]


def _print_environment(environment: str, lines: Sequence[Priced]) -> None:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for column in ("kind", "id", "what", "age", "$/month"):
        table.add_column(column, justify="right" if column in ("age", "$/month") else "left", no_wrap=True)
    for line in lines:
        each = line.resource
        size = f"{each.size_gib} GiB" if each.size_gib is not None else ""
        what = " ".join(filter(None, (each.type, each.market, size, "PROTECTED" if each.protected else "")))
        table.add_row(each.kind, each.id, what, age_text(line.age), _dollars(line.monthly))
    known = [line.monthly for line in lines if line.monthly is not None]
    total = f", {_dollars(sum(known))} a month for the {len(known)} whose price is known" if known else ""
    console = Console(width=max(Console().width, _WIDTH), highlight=False)
    console.print(f"{environment}: {len(lines)} resources{total}")
    console.print(table)


def _dollars(amount: float | None) -> str:
    return "-" if amount is None else f"{amount:,.2f}"
