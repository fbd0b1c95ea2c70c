"""From what AWS shows of a slot to what the spot policy wants to know. Pure.

How many replicas are wanted is the spot group's to say: target tracking, schedules and rollouts move its
desired size. A replica with a notice is as good as gone, and none is about to come of a launch that failed.
"""

import math
from collections.abc import Iterable, Iterator
from itertools import islice, product

from infra.guardian.config import GuardedModel
from infra.guardian.types import Activity, Group, LiveSlot
from infra.spot.types import Event, Observation, PoolState, Settings

_NO_CAPACITY = ("capacity", "MaxSpotInstanceCountExceeded", "SpotMaxPriceTooLow")
"""In the message of a launch that failed: the market's doing, not a mistake in the template."""
_TAKEN = ("spot interruption", "health check indicating it has been terminated or stopped")
"""In the cause of a termination: the market took it. The second is how one without a notice is found."""


def pool(zone: str, instance_type: str) -> str:
    """A pool's name."""
    return f"{zone}/{instance_type}"


def wanted(settings: Settings, spot: Group) -> int:
    """Replicas that the model needs: the base, and the spot group's without the extras.

    A group that wants fewer than the extras wants all of them: one that was just woken, say.
    """
    needed = max(spot.desired - settings.overprovision, min(spot.desired, 1))
    return settings.on_demand_base + needed


def remembered(settings: Settings) -> float:
    """Seconds of the past that a decision looks at."""
    return max(settings.remember_seconds, settings.hold_most_seconds, settings.pending_seconds)


def observe(model: GuardedModel, slot: LiveSlot) -> Observation:
    """What is so, and what happened lately."""
    pools = tuple(pool(zone, kind) for zone, kind in product(model.zones, model.types))
    gone = {notice.instance for notice in slot.notices}
    ready_at = {each.instance: each.ended for each in slot.activities if each.launch and each.ended}
    asked_at = {each.instance: each.began for each in slot.activities if each.launch}
    staying = [each for each in slot.spot.replicas if each.id not in gone]
    elsewhere = {each.pool for each in staying} - set(pools)  # left over from an earlier file

    def state(name: str) -> PoolState:
        here = [each for each in staying if each.pool == name]
        return PoolState(
            name,
            # An activity that is no longer told was long ago.
            ready_since=tuple(ready_at.get(each.id) or -math.inf for each in here if each.in_service),
            pending_since=tuple(asked_at.get(each.id, math.inf) for each in here if not each.in_service),
        )

    return Observation(
        wanted=wanted(model.settings, slot.spot),
        spot=tuple(state(name) for name in (*pools, *sorted(elsewhere))),
        on_demand_ready=sum(each.in_service for each in slot.on_demand.replicas),
        on_demand_pending=sum(not each.in_service for each in slot.on_demand.replicas),
        interruptions=tuple(_interruptions(slot, pools)),
        failures=tuple(_failures(slot.activities, pools)),
    )


def _interruptions(slot: LiveSlot, pools: Iterable[str]) -> Iterator[Event]:
    """Those that were announced, and those that the group found out about; none twice."""
    told = {notice.instance for notice in slot.notices}
    yield from (Event(notice.pool, notice.at) for notice in slot.notices)
    for each in slot.activities:
        taken = any(words in each.cause for words in _TAKEN)
        if not each.launch and taken and each.instance not in told:
            # The activity doesn't tell the type: one is taken, so that one loss counts once.
            yield from (Event(name, each.began) for name in islice(_in_zone(pools, each.zone), 1))


def _failures(activities: Iterable[Activity], pools: Iterable[str]) -> Iterator[Event]:
    """A group tries all its types in a zone before it says that a launch there failed."""
    for each in activities:
        if each.launch and each.failed and any(words in each.message for words in _NO_CAPACITY):
            yield from (Event(name, each.began) for name in _in_zone(pools, each.zone))


def _in_zone(pools: Iterable[str], zone: str) -> Iterator[str]:
    return (name for name in pools if name.startswith(f"{zone}/"))
