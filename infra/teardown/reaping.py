"""Whose time is over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from infra.teardown.removing import Left


class Outcome(StrEnum):
    """What became of an environment that was to go."""

    DUE = "due"
    """Nothing was done, as was asked for."""
    DESTROYED = "destroyed"
    """And the inventory is empty."""
    LEFT = "left"
    """Something of it exists still."""
    REFUSED = "refused"
    """It is protected, or someone is at work on it."""
    FAILED = "failed"


@dataclass(frozen=True)
class Reaped:
    """One environment that was to go."""

    environment: str
    end: datetime | None
    """When its time is over; None where nobody said so."""
    outcome: Outcome
    reason: str = ""
    left: tuple[Left, ...] = ()


def due(ends: Mapping[str, datetime], now: datetime) -> tuple[str, ...]:
    """Environments whose end has come, the oldest first."""
    return tuple(sorted((name for name in ends if ends[name] <= now), key=lambda name: (ends[name], name)))
