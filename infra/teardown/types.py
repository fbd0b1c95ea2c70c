"""What exists of environments, and what it costs."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, order=True)
class Resource:
    """Something in the cloud that carries an environment's tag or name."""

    environment: str
    kind: str
    """In AWS's words."""
    id: str
    """Its id, name or ARN: whatever the service's own calls want."""
    created: datetime | None = field(default=None, compare=False)
    """None where the service doesn't tell."""
    type: str = field(default="", compare=False)
    """Of an instance its type, of a volume its kind of disk; else empty."""
    market: str = field(default="", compare=False)
    """Of an instance: spot or on-demand."""
    size_gib: int | None = field(default=None, compare=False)
    """Of a volume."""
    protected: bool = field(default=False, compare=False)
    """Whether AWS itself refuses to delete it, because the environment's file said `protect: true`."""


class Prices(Protocol):
    """What resources cost."""

    def monthly(self, resource: Resource) -> float | None:
        """US dollars for a month of 730 hours at today's price; None where it is not known."""
        ...


@dataclass(frozen=True)
class Priced:
    """One line of an inventory."""

    resource: Resource
    age: float | None
    """Seconds since its creation."""
    monthly: float | None
    """US dollars a month, if known."""


def priced(resources: tuple[Resource, ...], prices: Prices, now: datetime) -> tuple[Priced, ...]:
    """Each resource with its age and price, in the order given."""
    return tuple(
        Priced(
            each,
            (now - each.created).total_seconds() if each.created else None,
            prices.monthly(each),
        )
        for each in resources
    )
