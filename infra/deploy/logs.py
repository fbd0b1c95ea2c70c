"""Merges the logs of several models in the order of time, and follows them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from infra.deploy.ports import Clock
from infra.deploy.types import LogLine

POLL_SECONDS = 1.0
OVERLAP = timedelta(seconds=30)
"""Lines may arrive this much out of order, so each poll looks back."""
SOURCES = ("engine", "agent")
"""Who writes logs on an instance. Its third stream, `metrics`, is data and no log."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which lines are wanted; None is any."""

    replica: str | None = None
    source: str | None = None
    text: str | None = None
    """What a line must contain, upper and lower case told apart."""


EVERYTHING = Choice()


class Reader(Protocol):
    """Where logs come from."""

    def lines(self, model: str, *, since: datetime, choice: Choice = EVERYTHING) -> Iterator[LogLine]:
        """Lines of a model, oldest first."""


def stream(
    reader: Reader,
    models: Sequence[str],
    clock: Clock,
    *,
    since: datetime,
    choice: Choice = EVERYTHING,
    follow: bool = False,
) -> Iterator[LogLine]:
    """Yield lines from `since` on, each once, oldest first; with `follow` never end."""
    seen: set[str] = set()
    while True:
        found = sorted(line for model in models for line in reader.lines(model, since=since, choice=choice))
        fresh = [line for line in found if line.id not in seen]
        yield from fresh
        if not follow:
            return
        seen = {line.id for line in found}
        since = max(since, clock.now() - OVERLAP)
        clock.sleep(POLL_SECONDS)
