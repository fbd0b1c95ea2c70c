"""The spot market: how many spot instances each zone has, over time. Without a word from anybody: no limit.

A launch succeeds while fewer run in its zone than there is capacity. When capacity falls below what runs, the
newest go first, each with a notice or without. On-demand instances can always be had.
"""

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from infra.embedded.aws import autoscaling, views
from infra.embedded.aws.views import Instance
from infra.errors import LlmctlError

_SPOT = "spot"
_ALIVE = ("pending", "running")


class Taker(Protocol):
    """Who takes instances away: `infra.embedded.compute.Compute`."""

    def interrupt(self, instance_id: str, at: float) -> None:
        """Give notice; the end is at `at` epoch seconds."""

    def kill(self, instance_id: str) -> None:
        """At once."""


@dataclass(frozen=True, kw_only=True)
class SpotMarket:
    """Capacity by zone in steps, each from so many seconds on; a zone that isn't named has no limit."""

    steps: tuple[tuple[float, Mapping[str, int]], ...] = ()
    repeat: float | None = None
    """Seconds after which the steps begin anew."""
    notice: float = 120.0
    """Seconds; 0: instances are taken without one."""

    @classmethod
    def told(cls, wanted: Any) -> "SpotMarket":
        """From JSON; raises ValueError for what can't be."""
        if not isinstance(wanted, dict) or set(wanted) - {"steps", "repeat", "notice"}:
            raise ValueError(
                "a market has steps: [[SECONDS, {ZONE: CAPACITY}], ...], repeat and notice: SECONDS"
            )
        steps = tuple(_step(each) for each in wanted.get("steps") or ())
        starts = [at for at, _ in steps]
        if starts != sorted(starts):
            raise ValueError("the steps of a market are in the order of their times")
        repeat, notice = wanted.get("repeat"), wanted.get("notice", 120.0)
        if repeat is not None and (not _is_time(repeat) or repeat <= max(starts, default=0.0)):
            raise ValueError("repeat is seconds, after the last step")
        if not _is_time(notice):
            raise ValueError("notice is seconds, 0 or more")
        return cls(steps=steps, repeat=repeat, notice=float(notice))

    def capacity(self, elapsed: float) -> Mapping[str, int]:
        """By zone, so many seconds after the beginning."""
        moment = elapsed % self.repeat if self.repeat else elapsed
        held: Mapping[str, int] = {}
        for at, zones in self.steps:
            if at <= moment:
                held = zones
        return held


def losses(
    capacity: Mapping[str, int], running: Iterable[Instance], going: frozenset[str]
) -> tuple[str, ...]:
    """Instances that the market takes now: in each zone with too many the newest of those not `going` yet."""
    by_zone: dict[str, list[Instance]] = {}
    for instance in running:
        if instance.zone in capacity:
            by_zone.setdefault(instance.zone, []).append(instance)
    found: list[str] = []
    for zone, instances in by_zone.items():
        staying = sorted((each for each in instances if each.id not in going), key=lambda each: each.launched)
        found += [each.id for each in staying[capacity[zone] :]]
    return tuple(found)


class Holder:
    """The market of this cloud. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._market = SpotMarket()
        self._began = self._now = 0.0
        self._going: frozenset[str] = frozenset()

    def set(self, market: SpotMarket, now: float) -> None:
        """From now (epoch seconds) on, instead of what was before."""
        with self._lock:
            self._market, self._began, self._now = market, now, now
        autoscaling.set_capacity(self._grants if market.steps else None)

    def show(self, now: float) -> dict[str, Any]:
        """As JSON."""
        with self._lock:
            held = self._market
            return {
                "capacity": dict(held.capacity(now - self._began)),
                "steps": [[at, dict(zones)] for at, zones in held.steps],
                "repeat": held.repeat,
                "notice": held.notice,
            }

    def reconcile(self, taker: Taker, now: float) -> None:
        """Take what there is no capacity for any more."""
        with self._lock:
            self._now = now
            market, capacity = self._market, self._market.capacity(now - self._began)
        running = _running()
        self._going &= {each.id for each in running}
        for instance in losses(capacity, running, self._going):
            with suppress(LlmctlError):  # it has no machine yet, or none any more: the next round sees
                if market.notice:
                    taker.interrupt(instance, now + market.notice)
                else:
                    taker.kill(instance)
                self._going |= {instance}

    def _grants(self, zone: str, instance_type: str, market: str) -> bool:
        """Whether a launch succeeds: not where as many run as the zone had at the last look."""
        with self._lock:
            capacity = self._market.capacity(self._now - self._began).get(zone, math.inf)
        return market != _SPOT or Counter(each.zone for each in _running())[zone] < capacity


def reconciler(taker: Taker) -> Callable[[float], None]:
    """The market as a part of the daemon's loop."""
    return lambda now: MARKET.reconcile(taker, now)


def _running() -> list[Instance]:
    return [each for each in views.instances() if each.market == _SPOT and each.state in _ALIVE]


def _step(raw: Any) -> tuple[float, Mapping[str, int]]:
    if not (isinstance(raw, list) and len(raw) == 2 and _is_time(raw[0]) and isinstance(raw[1], dict)):
        raise ValueError("a step of a market is [SECONDS, {ZONE: CAPACITY}]")
    if not all(isinstance(count, int) and count >= 0 for count in raw[1].values()):
        raise ValueError("a zone's capacity is a whole number, 0 or more")
    return float(raw[0]), raw[1]


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0


MARKET = Holder()
"""The cloud's; its groups, its machines and its daemon's interface share it."""
