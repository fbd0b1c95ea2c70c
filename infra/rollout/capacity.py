"""How many replicas each slot needs for its share of the traffic. Pure arithmetic."""

import math
from collections.abc import Mapping

from infra.environment.slots import Market, Slot
from infra.rollout.types import GroupSeen, Plan

Sizes = Mapping[Market, int]
"""Replicas of each market."""


def total(sizes: Sizes) -> int:
    """All of them."""
    return sum(sizes.values())


def needed(full: Sizes, share: int) -> Sizes:
    """Replicas for a share (percent) of what `full` carries: rounded up, one at least; none for no share."""
    if share <= 0:
        return dict.fromkeys(full, 0)
    sizes = {market: math.ceil(size * share / 100) for market, size in full.items()}
    return sizes if total(sizes) else {**sizes, Market.SPOT: 1}


def at_first(plan: Plan) -> Sizes:
    """What all the traffic needed when the rollout began."""
    return {market: size.desired for market, size in plan.baseline.items()}


def at_present(plan: Plan, groups: tuple[GroupSeen, ...]) -> Sizes:
    """What all the traffic needs: as at first, or more if the old slot has grown since."""
    grown = {group.market: group.desired for group in groups if group.slot is plan.old_slot}
    return {market: max(size, grown.get(market, 0)) for market, size in at_first(plan).items()}


def of_slot(groups: tuple[GroupSeen, ...], slot: Slot) -> Sizes:
    """What a slot's groups want now."""
    return {group.market: group.desired for group in groups if group.slot is slot}


def excess(full: Sizes, surge: int, weight: int, next_weight: int) -> int:
    """Replicas above `full` and `surge` that a step from one weight to the next can't do without; 0: it fits.

    The old slot carries its share until the shift is over, and the new one is ready before.
    """
    both = total(needed(full, 100 - weight)) + total(needed(full, next_weight))
    return max(0, both - total(full) - surge)
