"""Chaos on the embedded cloud: looks at a model's replicas, and does harm by the daemon's interface."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any, Protocol

from infra.chaos.types import Break, Faults, Injection, Market, Replica, Sighting, Take
from infra.chaos.victims import victims
from infra.deploy.types import EnvironmentState, Phase
from infra.environment.slots import Market as Bought
from infra.errors import LlmctlError

_LONGER_SECONDS = 30.0


class Cloud(Protocol):
    """What is used of `infra.embedded.client.Cloud`."""

    def kill_instance(self, instance_id: str) -> None:
        """Without a notice."""

    def interrupt_instance(self, instance_id: str, seconds: float = ...) -> None:
        """With one."""

    def trouble_instance(self, instance_id: str, what: str, seconds: float, by: float = ...) -> None:
        """Break something for a while."""

    def market(self) -> dict[str, Any]:
        """What the spot market has."""

    def set_market(
        self, steps: Any = ..., *, repeat: float | None = ..., notice: float = ...
    ) -> dict[str, Any]:
        """What it has from now on."""

    def faults(self) -> dict[str, Any]:
        """What goes wrong."""

    def set_faults(self, **faults: object) -> dict[str, Any]:
        """What goes wrong from now on."""


@dataclass(frozen=True)
class Replicas:
    """Implements `infra.chaos.drive.Target`. `wanted`: replicas of the model that ought to be ready."""

    observe: Callable[[], EnvironmentState]
    model: str
    wanted: int

    def look(self, at: float) -> Sighting | None:
        """The live slot's replicas; None when AWS doesn't say."""
        try:
            state = self.observe()
        except LlmctlError:
            return None
        model = next(each for each in state.models if each.name == self.model)
        ready = tuple(
            Replica(instance=each.id, zone=each.zone, spot=each.market is Bought.SPOT)
            for slot in model.slots
            if slot.slot is model.live
            for each in slot.replicas
            if each.phase is Phase.HEALTHY
        )
        return Sighting(at=at, replicas=ready, wanted=self.wanted)


@dataclass
class EmbeddedInject:
    """Implements `infra.chaos.drive.Inject`. Markets and faults end up as they were before the first one."""

    cloud: Cloud
    zones: tuple[str, ...]
    _market: dict[str, Any] | None = None
    _faults: dict[str, Any] | None = None
    _held: list[Market | Faults] = field(default_factory=list)
    """What lasts now, in the order of its beginning."""
    _broken: list[tuple[Break, tuple[str, ...]]] = field(default_factory=list)

    def start(self, injection: Injection, seen: Sighting | None, seed: int) -> tuple[str, ...]:
        """Do it; tells the instances that it hit."""
        match injection:
            case Take():
                return self._take(injection, victims(injection.who, seen.spot if seen else (), seed))
            case Break():
                return self._break(injection, victims(injection.who, seen.replicas if seen else (), seed))
            case Market():
                self._market = self._market or self.cloud.market()
            case Faults():
                self._faults = self._faults or self.cloud.faults()
        self._held.append(injection)
        self._hold(injection)
        return ()

    def stop(self, injection: Injection) -> None:
        """Undo it."""
        if isinstance(injection, Market | Faults):
            self._held = [each for each in self._held if each is not injection]
            self._hold(injection)
        for broken in [each for each in self._broken if each[0] is injection]:
            self._broken.remove(broken)
            for instance in broken[1]:
                with suppress(LlmctlError):  # it may be gone
                    self.cloud.trouble_instance(instance, broken[0].what, 0)

    def _take(self, take: Take, replicas: tuple[Replica, ...]) -> tuple[str, ...]:
        def hit(instance: str) -> None:
            if take.notice:
                self.cloud.interrupt_instance(instance, take.notice)
            else:
                self.cloud.kill_instance(instance)

        return _those_there(replicas, hit)

    def _break(self, injection: Break, replicas: tuple[Replica, ...]) -> tuple[str, ...]:
        # Should this process die, it ends a little later by itself.
        seconds = injection.seconds + _LONGER_SECONDS

        def hit(instance: str) -> None:
            self.cloud.trouble_instance(instance, injection.what, seconds, injection.by)

        instances = _those_there(replicas, hit)
        self._broken.append((injection, instances))
        return instances

    def _hold(self, changed: Market | Faults) -> None:
        """Set what all that lasts comes to: faults together, the market as the last one says."""
        if isinstance(changed, Faults) and self._faults is not None:
            held = [each.faults for each in self._held if isinstance(each, Faults)]
            self.cloud.set_faults(**reduce(or_, map(dict, held), self._faults))
        if isinstance(changed, Market) and (before := self._market) is not None:
            markets = [each for each in self._held if isinstance(each, Market)]
            if markets:
                self._set_market(markets[-1])
            else:
                self.cloud.set_market(before["steps"], repeat=before["repeat"], notice=before["notice"])

    def _set_market(self, market: Market) -> None:
        none = dict.fromkeys(self.zones, 0)
        if market.trace:
            steps = [(at, dict(zip(self.zones, counts, strict=False))) for at, counts in market.trace]
            self.cloud.set_market(steps)
        elif market.flap is None:
            self.cloud.set_market([(0.0, none)])
        else:
            self.cloud.set_market([(0.0, none), (market.flap, {})], repeat=2 * market.flap)


def _those_there(replicas: Iterable[Replica], hit: Callable[[str], None]) -> tuple[str, ...]:
    """Those that could be hit: one may have gone since it was seen."""
    instances = []
    for replica in replicas:
        with suppress(LlmctlError):
            hit(replica.instance)
            instances.append(replica.instance)
    return tuple(instances)
