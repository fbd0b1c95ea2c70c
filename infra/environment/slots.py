"""The two places of a model and the two ways to buy instances. Plain, for the functions in the cloud too."""

from enum import StrEnum


class Slot(StrEnum):
    """One of the two places of a model; one is live, the other idle or taking a new release."""

    BLUE = "blue"
    GREEN = "green"


class Market(StrEnum):
    """How an instance is bought."""

    SPOT = "spot"
    ON_DEMAND = "on-demand"
