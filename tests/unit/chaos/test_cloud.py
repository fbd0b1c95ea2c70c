"""Chaos on the embedded cloud: what is seen, what is done, and that it is undone to what was before."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.chaos.cloud import EmbeddedInject, Replicas
from infra.chaos.types import Faults, Market, Sighting
from infra.chaos.types import Replica as Ready
from infra.chaos.verdict import cost
from infra.deploy.types import EnvironmentState, ModelState, Phase, Replica, SlotState
from infra.environment.slots import Market as Bought
from infra.environment.slots import Slot
from infra.errors import LlmctlError

ZONES = ("us-east-1a", "us-east-1b")


class FakeCloud:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.held_market: dict[str, Any] = {"steps": [[0, {"us-east-1a": 5}]], "repeat": None, "notice": 7.0}
        self.held_faults: dict[str, Any] = {"latency": 0.1, "throttle": 0.0}

    def kill_instance(self, instance_id: str) -> None:
        """Note it."""
        self.calls.append(("kill", instance_id))

    def interrupt_instance(self, instance_id: str, seconds: float = 120) -> None:
        """Note it."""
        self.calls.append(("interrupt", instance_id, seconds))

    def market(self) -> dict[str, Any]:
        """As told."""
        return self.held_market

    def set_market(
        self, steps: Any = (), *, repeat: float | None = None, notice: float = 120.0
    ) -> dict[str, Any]:
        """Keep it."""
        self.held_market = {"steps": steps, "repeat": repeat, "notice": notice}
        return self.held_market

    def faults(self) -> dict[str, Any]:
        """As told."""
        return self.held_faults

    def set_faults(self, **faults: object) -> dict[str, Any]:
        """Keep them."""
        self.held_faults = dict(faults)
        return self.held_faults


def replica(number: int, market: Bought, phase: Phase = Phase.HEALTHY, slot: Slot = Slot.BLUE) -> Replica:
    """A replica."""
    return Replica(
        id=f"i-{number}",
        phase=phase,
        detail="",
        slot=slot,
        market=market,
        release=1,
        type="g5.xlarge",
        zone=ZONES[0],
        launched=datetime(2026, 1, 1, tzinfo=UTC),
    )


def observed() -> EnvironmentState:
    """Blue is live with two on spot, one coming, one on demand; green is not."""
    blue = (
        replica(1, Bought.SPOT),
        replica(2, Bought.SPOT),
        replica(3, Bought.SPOT, Phase.LOADING),
        replica(4, Bought.ON_DEMAND),
    )
    slots = (
        SlotState(slot=Slot.BLUE, weight=100, release=1, wanted=3, replicas=blue),
        SlotState(
            slot=Slot.GREEN,
            weight=0,
            release=2,
            wanted=1,
            replicas=(replica(5, Bought.SPOT, slot=Slot.GREEN),),
        ),
    )
    model = ModelState(name="chat", live=Slot.BLUE, release=1, latest_release=2, url="", slots=slots)
    return EnvironmentState(environment="spot", endpoint="", models=(replace(model, name="other"), model))


def refused() -> EnvironmentState:
    """AWS doesn't answer."""
    raise LlmctlError("throttled")


def test_the_live_slots_healthy_replicas_are_ready() -> None:
    """Others serve nobody; those on the spot market are the ones that can be taken."""
    assert Replicas(observed, "chat", 3).look(5.0) == Sighting(
        at=5.0,
        ready=3,
        wanted=3,
        spot=(Ready(instance="i-1", zone=ZONES[0]), Ready(instance="i-2", zone=ZONES[0])),
    )


@pytest.mark.parametrize(("observe", "known"), [(observed, True), (refused, False)])
def test_a_cloud_that_does_not_answer_is_no_end(observe: Callable[[], EnvironmentState], known: bool) -> None:
    """Chaos makes AWS fail: a look that fails is no sighting, and no end of the run."""
    assert (Replicas(observe, "chat", 3).look(0.0) is not None) is known


def test_replicas_are_taken_with_or_without_a_notice() -> None:
    """The two ways in which spot takes them."""
    cloud = FakeCloud()
    inject = EmbeddedInject(cloud, ZONES)
    inject.take(Ready(instance="i-1", zone="a"), 120.0)
    inject.take(Ready(instance="i-2", zone="a"), 0.0)
    assert cloud.calls == [("interrupt", "i-1", 120.0), ("kill", "i-2")]


@pytest.mark.parametrize("flap", [None, 30.0])
def test_the_market_becomes_what_it_was(flap: float | None) -> None:
    """Somebody's own market comes back after a drought, not an endless one."""
    cloud = FakeCloud()
    before = dict(cloud.held_market)
    inject, drought = EmbeddedInject(cloud, ZONES), Market(seconds=60, flap=flap)
    inject.start(drought)
    assert cloud.held_market["steps"][0] == (0.0, dict.fromkeys(ZONES, 0))
    assert cloud.held_market["repeat"] == (None if flap is None else 60.0)
    inject.stop(drought)
    assert cloud.held_market == before


def test_faults_become_what_they_were() -> None:
    """What was set before stays beside the new ones, and is all that is left afterwards."""
    cloud = FakeCloud()
    inject, faults = EmbeddedInject(cloud, ZONES), Faults(seconds=5, faults={"throttle": 0.3})
    inject.start(faults)
    assert cloud.held_faults == {"latency": 0.1, "throttle": 0.3}
    inject.stop(faults)
    assert cloud.held_faults == {"latency": 0.1, "throttle": 0.0}


def test_what_never_began_is_undone_without_harm() -> None:
    """An interrupt may come before the beginning."""
    cloud = FakeCloud()
    before = dict(cloud.held_market)
    EmbeddedInject(cloud, ZONES).stop(Market(seconds=1))
    EmbeddedInject(cloud, ZONES).stop(Faults(seconds=1))
    assert cloud.held_market == before


def test_cost_is_ready_replicas_by_time() -> None:
    """An hour of two on spot and one on demand, then nothing more is known."""
    spot = (Ready(instance="i-1", zone="a"), Ready(instance="i-2", zone="a"))
    seen = [Sighting(at=0.0, ready=3, wanted=3, spot=spot), Sighting(at=3600.0, ready=0, wanted=3)]
    assert cost(seen, spot=0.5, on_demand=2.0) == pytest.approx(3.0)
    assert cost(seen[:1], spot=0.5, on_demand=2.0) == 0
