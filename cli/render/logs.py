"""Log lines, for people and for programs."""

import sys
import zlib

import click
import msgspec

from infra.deploy.types import LogLine

_COLOURS = ("cyan", "green", "yellow", "magenta", "blue")


def print_line(line: LogLine, *, as_json: bool) -> None:
    """Write one line: time, model, instance and source before the text; or one JSON object."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        return
    colour = _COLOURS[zlib.crc32(line.replica.encode()) % len(_COLOURS)]
    origin = click.style(f"{line.model} {line.replica} {line.source:6}", fg=colour)
    click.echo(f"{line.time:%H:%M:%S} {origin} {line.text}")
