"""Log lines, for people and for programs."""

import json
import sys
import zlib

import click
import msgspec

from infra.deploy.types import LogLine

_COLOURS = ("cyan", "green", "yellow", "magenta", "blue")
_LEVELS = {"warning": "yellow", "error": "red", "critical": "red"}
_SHOWN_ELSEWHERE = ("time", "level", "message", "exception")


def print_line(line: LogLine, *, as_json: bool) -> None:
    """Write one line: time, model, instance and source before the text; or one JSON object."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        sys.stdout.flush()
        return
    colour = _COLOURS[zlib.crc32(line.replica.encode()) % len(_COLOURS)]
    origin = click.style(f"{line.model} {line.replica} {line.source:6}", fg=colour)
    text = readable(line.text) if line.source == "agent" else line.text
    click.echo(f"{line.time:%H:%M:%S} {origin} {text}")


def readable(text: str) -> str:
    """An agent's JSON object as a sentence with its fields; anything else as it is."""
    try:
        record = json.loads(text)
    except ValueError:
        return text
    if not isinstance(record, dict) or "message" not in record:
        return text
    level = str(record.get("level", "info"))
    message = str(record["message"])
    words = [click.style(f"{level}: {message}", fg=_LEVELS[level]) if level in _LEVELS else message]
    words += [f"{name}={_plain(value)}" for name, value in record.items() if name not in _SHOWN_ELSEWHERE]
    return " ".join(words) + (f"\n{record['exception']}" if "exception" in record else "")


def _plain(value: object) -> str:
    """A value that can be told from the next one."""
    text = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text) if isinstance(value, str) and (" " in value or not value) else text
