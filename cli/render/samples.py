"""Samples: a table of what there is, and JSON lines of what is in them."""

import json
import os
import stat
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table

from infra.errors import LlmctlError
from infra.samples.catalogue import Hour


def print_hours(hours: Iterable[Hour]) -> None:
    """A row for each model, release and hour; a line on stderr when there is none."""
    rows = list(hours)
    if not rows:
        click.echo("no samples in this time", err=True)
        return
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("hour (UTC)", "model", "release"):
        table.add_column(name)
    for name in ("replicas", "objects", "KiB"):
        table.add_column(name, justify="right")
    for row in rows:
        release = "?" if row.release is None else str(row.release)
        size = f"{row.bytes / 1024:.1f}"
        hour = f"{row.hour:%Y-%m-%d %H}"
        table.add_row(hour, row.model, release, str(row.replicas), str(row.objects), size)
    Console().print(table)


def write_samples(samples: Iterable[Mapping[str, object]], output: Path | None) -> None:
    """One JSON object a line, to stdout, or to a file that only its owner may read.

    Raises LlmctlError when that can't be written.
    """
    lines = [json.dumps(each, ensure_ascii=False) for each in samples]
    text = "".join(f"{line}\n" for line in lines)
    if output is None:
        sys.stdout.write(text)
    else:
        _write_private(text, output)
    click.echo(f"{len(lines)} sample{'' if len(lines) == 1 else 's'}", err=True)


def _write_private(text: str, output: Path) -> None:
    try:
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as stream:
            if stat.S_ISREG(os.fstat(file).st_mode):
                os.fchmod(file, 0o600)  # one that was there already may be open to others
            stream.write(text)
    except OSError as error:
        raise LlmctlError(
            f"--output {output}: {error}", hint="choose a file that you may write; without it, stdout"
        ) from error
