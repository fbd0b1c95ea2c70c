"""What all sections of an environment file are made of: their base class, and the kinds of scalars."""

from typing import Annotated

from msgspec import Meta, Struct

Cidr = Annotated[
    str,
    Meta(
        pattern=r"^(\d{1,3}\.){3}\d{1,3}/\d{1,2}$",
        description="An IPv4 range.",
        examples=["203.0.113.0/24"],
    ),
]
Domain = Annotated[str, Meta(pattern=r"^([a-z0-9-]+\.)+[a-z]{2,}$", examples=["llm.example.com"])]
Positive = Annotated[int, Meta(ge=1)]
Duration = Annotated[
    str, Meta(pattern=r"^\d+(s|m|h)$", description="A duration.", examples=["30s", "5m", "1h"])
]
Scalar = str | int | float | bool


class Spec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every section: immutable, keyword-only, unknown keys refused."""


def seconds(duration: str) -> int:
    """Seconds in a `Duration` such as 30s, 5m or 1h."""
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]
