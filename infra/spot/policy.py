"""The guardian's decision: the sizes of a model's spot group and on-demand group. Pure and stateless.

On-demand is raised for what spot neither has nor is about to have, at once; it is lowered only for spot
replicas that have been ready for a while, the longer the more interruptions there were lately. Extra replicas
are bought on the spot market only. It refuses to exceed a quota or the budget, and says so; the budget goes
to the base first, then to spot, and what it leaves to on-demand for what spot lacks: else a model without
spot would spend all of it on demand, and never could take spot again.
"""

import math

from infra.spot.pools import is_scarce, next_opening, open_pools
from infra.spot.types import Observation, Settings, Target, Targets


def decide(settings: Settings, seen: Observation, now: float) -> Targets:
    """What both groups are to be at `now` (epoch seconds)."""
    base = min(settings.on_demand_base, seen.wanted)
    needed = seen.wanted - base
    spot = _spot(settings, needed, base)
    return Targets(
        spot=spot,
        on_demand=_on_demand(settings, seen, base, needed, spot.size, now),
        pools=open_pools(settings, seen, now),
        again_at=_again(settings, seen, now),
    )


def hold(settings: Settings, seen: Observation, now: float) -> float:
    """Seconds for which a spot replica must have been ready before on-demand is given back for it.

    >>> hold(Settings(hold_seconds=600, hold_most_seconds=1500), Observation(wanted=1, spot=()), 0)
    600.0
    """
    if is_scarce(settings, seen, now):
        return settings.hold_most_seconds

    recent = sum(1 for event in seen.interruptions if 0 <= now - event.at < settings.flap_seconds)
    return float(min(settings.hold_most_seconds, settings.hold_seconds * (1 + recent)))


def _on_demand(
    settings: Settings, seen: Observation, base: int, needed: int, on_spot: int, now: float
) -> Target:
    ready = sum(len(state.ready_since) for state in seen.spot)
    coming = sum(
        1 for state in seen.spot for at in state.pending_since if now - at <= settings.pending_seconds
    )
    wait = hold(settings, seen, now)
    steady = sum(1 for state in seen.spot for at in state.ready_since if now - at >= wait)
    fill = base + _cover(settings, needed, ready + coming)
    keep = min(seen.on_demand, base + _cover(settings, needed, steady))
    size = max(fill, keep)
    if size == fill:
        why = f"{ready} of {needed} spot replicas ready, {coming} coming; base {base}"
    else:
        why = f"{steady} of {needed} spot replicas steady for {wait:.0f} s: not given back yet"
    left = None if settings.budget is None else settings.budget - on_spot * settings.spot_price
    return _limited(Target(size, why), settings.on_demand_quota, left, settings.on_demand_price)


def _cover(settings: Settings, needed: int, spot: int) -> int:
    """On-demand replicas for what `spot` leaves open, with the spare if it leaves anything open."""
    gap = max(0, needed - spot)
    return min(needed, gap + settings.spare) if gap else 0


def _spot(settings: Settings, needed: int, base: int) -> Target:
    """Spot for all that isn't the base, and the extras."""
    size = needed + settings.overprovision if needed else 0
    left = None if settings.budget is None else settings.budget - base * settings.on_demand_price
    wanted = Target(size, f"{needed} wanted, {size - needed} extra")
    return _limited(wanted, settings.spot_quota, left, settings.spot_price)


def _limited(target: Target, quota: int | None, left: float | None, price: float) -> Target:
    """The target within the quota and what is left of the budget."""
    most = math.inf if quota is None else quota
    affordable = _affordable(left, price)
    size = int(min(target.size, most, affordable))
    if size == target.size:
        return target
    limit = "the quota" if most <= affordable else "the budget"
    return Target(size, f"{target.why}; {limit} allows {size} of {target.size}")


def _affordable(budget: float | None, price: float) -> float:
    """Replicas for a budget; a hair's breadth of rounding doesn't cost one."""
    return math.inf if budget is None else max(0, math.floor(budget / price + 1e-9))


def _again(settings: Settings, seen: Observation, now: float) -> float:
    """When time alone may change the answer: a replica is steady, a pool open, an interruption old."""
    moments = [next_opening(settings, seen, now)]
    if seen.on_demand:
        wait = hold(settings, seen, now)
        moments += [at + wait for state in seen.spot for at in state.ready_since]
        moments += [event.at + settings.flap_seconds for event in seen.interruptions]
    moments += [at + settings.pending_seconds + 1 for state in seen.spot for at in state.pending_since]
    return min((moment for moment in moments if moment > now), default=math.inf)
