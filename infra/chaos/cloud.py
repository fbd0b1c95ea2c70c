"""Chaos on the embedded cloud: looks at a model's replicas, and does harm by the daemon's interface."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from infra.chaos.types import Faults, Market, Replica, Sighting
from infra.deploy.types import EnvironmentState, Phase
from infra.environment.slots import Market as Bought
from infra.errors import LlmctlError


class Cloud(Protocol):
    """What is used of `infra.embedded.client.Cloud`."""

    def kill_instance(self, instance_id: str) -> None:
        """Without a notice."""

    def interrupt_instance(self, instance_id: str, seconds: float = ...) -> None:
        """With one."""

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
        ready = [
            replica
            for slot in model.slots
            if slot.slot is model.live
            for replica in slot.replicas
            if replica.phase is Phase.HEALTHY
        ]
        spot = tuple(
            Replica(instance=each.id, zone=each.zone) for each in ready if each.market is Bought.SPOT
        )
        return Sighting(at=at, ready=len(ready), wanted=self.wanted, spot=spot)


@dataclass
class EmbeddedInject:
    """Implements `infra.chaos.drive.Inject`. What it undoes becomes what it was before."""

    cloud: Cloud
    zones: tuple[str, ...]
    _before: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def take(self, replica: Replica, notice: float) -> None:
        """Let the market take a replica."""
        if notice:
            self.cloud.interrupt_instance(replica.instance, notice)
        else:
            self.cloud.kill_instance(replica.instance)

    def start(self, injection: Market | Faults) -> None:
        """Begin what lasts."""
        if isinstance(injection, Faults):
            self._before.setdefault("faults", self.cloud.faults())
            self.cloud.set_faults(**{**self._before["faults"], **injection.faults})
            return
        self._before.setdefault("market", self.cloud.market())
        none = dict.fromkeys(self.zones, 0)
        if injection.flap is None:
            self.cloud.set_market([(0.0, none)])
        else:
            self.cloud.set_market([(0.0, none), (injection.flap, {})], repeat=2 * injection.flap)

    def stop(self, injection: Market | Faults) -> None:
        """Undo it."""
        if isinstance(injection, Faults):
            self.cloud.set_faults(**self._before.pop("faults", {}))
        elif before := self._before.pop("market", None):
            self.cloud.set_market(before["steps"], repeat=before["repeat"], notice=before["notice"])
