"""How many replicas each slot needs for its share of the traffic. Pure arithmetic."""

from collections.abc import Mapping

from infra.environment.slots import Market, Slot
from infra.rollout.types import GroupSeen, Plan

Sizes = Mapping[Market, int]
"""Replicas of each market."""


def total(sizes: Sizes) -> int:
    """All of them."""
    return sum(sizes.values())


def needed(full: Sizes, share: int) -> Sizes:
    """Replicas for a share (percent) of what `full` carries: one at least; none for no share.

    A weight is a whole percent, so half of one is rounding: a third of the traffic is 33 % or 34 %, and one
    replica of three carries either. Beyond that it is rounded up. Each market has its part in it, rounded up
    for on-demand: what can't be taken carries the small shares.
    """
    if share <= 0:
        return dict.fromkeys(full, 0)
    count = total(full) if share >= 100 else -(-total(full) * (2 * share - 1) // 200)
    if not count:
        return {**full, Market.SPOT: 1}
    spot = count * full.get(Market.SPOT, 0) // total(full)
    return {Market.SPOT: spot, Market.ON_DEMAND: count - spot}


def carried(full: Sizes, healthy: int) -> int:
    """Percent of the traffic that so many replicas carry; the inverse of `needed`."""
    return (200 * healthy + total(full)) // (2 * total(full)) if healthy < total(full) else 100


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


def reach(full: Sizes, surge: int, weight: int, goal: int) -> int:
    """How far towards `goal` one shift can go from `weight` with `surge` replicas above `full`.

    The old slot keeps what it carries until the shift is over, and the new one is ready before. At least one
    percent further, but for fleets of more than 200 replicas: there it may be `weight` itself.
    """
    room = total(full) + surge - total(needed(full, 100 - weight))
    fitting = (each for each in range(goal, weight, -1) if total(needed(full, each)) <= room)
    return next(fitting, weight)
