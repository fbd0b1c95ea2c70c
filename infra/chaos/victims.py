"""Who is hit: the same seed and the same replicas, the same victims, in whatever order they are listed."""

import random
from collections.abc import Iterable

from infra.chaos.types import Replica, Who


def victims(who: Who, replicas: Iterable[Replica], seed: int) -> tuple[Replica, ...]:
    """Those an injection hits; none if nobody is there. Half of three are two."""
    there = sorted(replicas, key=lambda replica: replica.instance)
    if not there:
        return ()
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    if who is Who.ZONE:
        zone = chance.choice(sorted({replica.zone for replica in there}))
        return tuple(replica for replica in there if replica.zone == zone)
    count = {Who.ONE: 1, Who.HALF: -(-len(there) // 2), Who.ALL: len(there)}[who]
    return tuple(chance.sample(there, count))
