"""The audit log as a story: who did what, when, from where, and how it ended. Pure but for its reader."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from infra.deploy.ports import Clock
from infra.environment import names
from infra.environment.slots import Market, Slot

POLL_SECONDS = 2.0
OVERLAP = timedelta(seconds=60)
"""Writers' clocks may differ this much, so each poll looks back."""


@dataclass(frozen=True, order=True)
class Event:
    """One thing that was done to an environment, or that a replica went through."""

    time: datetime
    id: str
    actor: str
    """USER@HOST for a person's command, agent@INSTANCE for a replica."""
    action: str
    """A mutation (Apply, GoLive, Pin, Resize...), or the phase that a replica entered."""
    target: str
    """The environment, a model, a group, or a sentence that begins with one."""
    result: str


class Reader(Protocol):
    """Where events come from."""

    def events(self, since: datetime) -> Sequence[Event]:
        """Events from `since` on, oldest first."""


def concerns(event: Event, environment: str, models: Sequence[str]) -> bool:
    """Whether it is about one of the models, or about the environment as a whole."""
    subject = event.target.partition(":")[0]
    groups = (
        names.group(environment, model, slot, market)
        for model in models
        for slot in Slot
        for market in Market
    )
    return subject in {environment, *models, *groups}


def stream(reader: Reader, clock: Clock, *, since: datetime, follow: bool = False) -> Iterator[Event]:
    """Yield events from `since` on, each once, oldest first; with `follow` never end."""
    seen: set[str] = set()
    while True:
        found = sorted(reader.events(since))
        yield from (event for event in found if event.id not in seen)
        if not follow:
            return
        seen = {event.id for event in found}
        since = max(since, clock.now() - OVERLAP)
        clock.sleep(POLL_SECONDS)
