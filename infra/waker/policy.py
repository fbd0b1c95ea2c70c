"""What the waker does about one model: a pure function of what it sees.

A model sleeps when it has no replica and its requests go to the waker; it is awake when they go to its live
slot. An invocation that dies half-way loses nothing: capacity is changed first, then weights, and every
invocation looks at everything anew.
"""

from dataclasses import dataclass
from enum import StrEnum

DEFAULT_COLD_START = 60.0
"""Seconds that a wake-up is expected to take while no replica has reported how long its start took."""
_SOONEST = 1
"""Seconds until a client should ask again when the model is awake by now."""
_LATEST = 60
"""OpenAI's clients don't honour a longer Retry-After: they would come back within seconds."""


class Action(StrEnum):
    """What the waker shall do, in this order."""

    WAKE = "wake"
    """Ask for the first replica."""
    TO_SLOT = "to slot"
    """Send requests to the live slot."""
    SLEEP = "sleep"
    """Give up the replicas."""
    TO_WAKER = "to waker"
    """Send requests to the waker."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Shares of the model's requests, relative to each other."""

    live: int
    idle: int
    waker: int


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What is true of a model now. Times in epoch seconds."""

    weights: Weights
    desired: int
    """Replicas that the live slot's groups want."""
    minimum: int
    """Below which the groups may not go now: a schedule can raise it."""
    healthy: int
    """Replicas of the live slot that the balancer finds healthy."""
    requests: float
    """Within the last `sleep_after` seconds."""
    awake_since: float
    """When it was woken last, or went live."""
    asked: bool
    """Whether this invocation is a request for the model."""
    rolling: bool = False
    """Whether a rollout of the model goes on: then weights and replicas are its driver's."""


def decide(seen: Observation, *, sleep_after: float, now: float) -> tuple[Action, ...]:
    """What to do; nothing while a rollout goes on, or anybody else splits the requests between the slots."""
    if seen.rolling or seen.weights.idle:
        return ()
    asleep = seen.weights.waker > 0
    found: list[Action] = []
    if seen.asked and seen.desired == 0:
        found.append(Action.WAKE)
    if asleep and seen.healthy:
        found.append(Action.TO_SLOT)
    if not asleep and _is_idle(seen, sleep_after, now):
        found += [Action.SLEEP, Action.TO_WAKER]
    elif not asleep and seen.desired == 0 and not seen.healthy:
        found.append(Action.TO_WAKER)
    return tuple(found)


def retry_after(seen: Observation, *, cold_start: float, now: float) -> int:
    """Seconds after which a client should ask again: what is left of a usual cold start, 1 to 60."""
    if seen.healthy:
        return _SOONEST
    began = seen.awake_since if seen.desired else now
    return min(_LATEST, max(_SOONEST, round(cold_start - (now - began))))


def _is_idle(seen: Observation, sleep_after: float, now: float) -> bool:
    may_sleep = seen.desired > 0 and seen.minimum == 0
    return may_sleep and seen.requests == 0 and now - seen.awake_since >= sleep_after
