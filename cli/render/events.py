"""Events, for people and for programs."""

import sys
from datetime import UTC

import click
import msgspec

from infra.deploy.events import Event

_AGENT = "agent@"
_BAD = ("failed", "interrupted")


def print_event(event: Event, *, as_json: bool) -> None:
    """Write one event: time, actor, action, target, result; or one JSON object."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(event).decode() + "\n")
        sys.stdout.flush()
        return
    colour = "cyan" if event.actor.startswith(_AGENT) else "green"
    bad = event.result.startswith(_BAD) or event.action in _BAD
    click.echo(
        f"{event.time.astimezone(UTC):%Y-%m-%d %H:%M:%S} {click.style(event.actor, fg=colour)} "
        f"{click.style(event.action, fg='red' if bad else None, bold=True)} {event.target}"
        + (f" - {event.result}" if event.result else "")
    )
