"""Where to launch spot next: calm pools first, the emptiest of them first.

A pool that interrupted or failed lately is left out while others are calm. When fewer than two are, all are
tried in turn, each at least once in a period.
"""

import math

from infra.spot.types import Event, Observation, PoolState, Settings

_ENOUGH = 2
"""With one calm pool alone, everything would sit in one place."""


def open_pools(settings: Settings, seen: Observation, now: float) -> tuple[str, ...]:
    """Pools to launch in, the best first."""
    failed, lost = _latest(seen.failures), _latest(seen.interruptions)

    def calm(state: PoolState) -> bool:
        trouble = max(failed.get(state.pool, -math.inf), lost.get(state.pool, -math.inf))
        return now - trouble >= settings.calm_seconds

    def rested(state: PoolState) -> bool:
        return now - failed.get(state.pool, -math.inf) >= settings.rest_seconds

    def rank(state: PoolState) -> tuple[int, float, float, str]:
        never = -math.inf
        return state.size, failed.get(state.pool, never), lost.get(state.pool, never), state.pool

    chosen = [state for state in seen.spot if calm(state)]
    if len(chosen) < min(_ENOUGH, len(seen.spot)):
        chosen = [state for state in seen.spot if rested(state)]
    return tuple(state.pool for state in sorted(chosen, key=rank))


def is_scarce(settings: Settings, seen: Observation, now: float) -> bool:
    """Are fewer than two pools calm (or none, of one)? Then what is lost won't be replaced soon."""
    latest = _latest((*seen.failures, *seen.interruptions))
    return sum(now - latest.get(state.pool, -math.inf) >= settings.calm_seconds for state in seen.spot) < min(
        _ENOUGH, len(seen.spot)
    )


def next_opening(settings: Settings, seen: Observation, now: float) -> float:
    """When the next pool may be open again, epoch seconds; infinite: all are."""
    failed, lost = _latest(seen.failures), _latest(seen.interruptions)
    moments = [at + settings.rest_seconds for at in failed.values()]
    moments += [at + settings.calm_seconds for at in (*failed.values(), *lost.values())]
    return min((moment for moment in moments if moment > now), default=math.inf)


def _latest(events: tuple[Event, ...]) -> dict[str, float]:
    found: dict[str, float] = {}
    for event in events:
        if event.at > found.get(event.pool, -math.inf):
            found[event.pool] = event.at
    return found
