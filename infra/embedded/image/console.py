"""The instance's console: what boot and services say, line by line, on the init's standard output."""

import sys
from datetime import UTC, datetime


def write(source: str, text: str) -> None:
    """Write every line of `text`, with the time and its source."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3]
    sys.stdout.write("".join(f"{now}Z {source}: {line}\n" for line in text.splitlines()))
    sys.stdout.flush()
