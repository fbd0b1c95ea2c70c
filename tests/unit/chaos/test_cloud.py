"""Chaos on the embedded cloud: what is seen, what is done, and that it is undone to what was before."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.chaos.cloud import EmbeddedInject, Replicas
from infra.chaos.types import Break, Faults, Market, Sighting, Take, Who
from infra.chaos.types import Replica as Ready
from infra.chaos.verdict import cost
from infra.deploy.types import EnvironmentState, ModelState, Phase, Replica, SlotState
from infra.embedded.troubles import Trouble
from infra.environment.slots import Market as Bought
from infra.environment.slots import Slot
from infra.errors import LlmctlError

ZONES = ("us-east-1a", "us-east-1b")


class FakeCloud:
    """Keeps what it is told."""

    def __init__(self, gone: Iterable[str] = ()) -> None:
        self.gone = set(gone)
        self.calls: list[tuple[Any, ...]] = []
        self.held_market: dict[str, Any] = {"steps": [[0, {"us-east-1a": 5}]], "repeat": None, "notice": 7.0}
        self.held_faults: dict[str, Any] = {"latency": 0.1, "throttle": 0.0}

    def kill_instance(self, instance_id: str) -> None:
        """Note it."""
        self.calls.append(("kill", instance_id))

    def interrupt_instance(self, instance_id: str, seconds: float = 120) -> None:
        """Note it."""
        self.calls.append(("interrupt", instance_id, seconds))

    def trouble_instance(self, instance_id: str, what: str, seconds: float, by: float = 0.0) -> None:
        """Note it, of one that is there."""
        if instance_id in self.gone:
            raise LlmctlError("no machine")
        self.calls.append(("trouble", instance_id, what, seconds, by))

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
        replicas=(
            Ready(instance="i-1", zone=ZONES[0]),
            Ready(instance="i-2", zone=ZONES[0]),
            Ready(instance="i-4", zone=ZONES[0], spot=False),
        ),
        wanted=3,
    )


@pytest.mark.parametrize(("observe", "known"), [(observed, True), (refused, False)])
def test_a_cloud_that_does_not_answer_is_no_end(observe: Callable[[], EnvironmentState], known: bool) -> None:
    """Chaos makes AWS fail: a look that fails is no sighting, and no end of the run."""
    assert (Replicas(observe, "chat", 3).look(0.0) is not None) is known


def seen(*instances: str) -> Sighting:
    """These are there, on the spot market."""
    return Sighting(at=0.0, replicas=tuple(Ready(instance=each, zone="a") for each in instances), wanted=1)


@pytest.mark.parametrize(("notice", "call"), [(120.0, ("interrupt", "i-1", 120.0)), (0.0, ("kill", "i-1"))])
def test_replicas_are_taken_with_or_without_a_notice(notice: float, call: tuple[Any, ...]) -> None:
    """The two ways in which spot takes them."""
    cloud = FakeCloud()
    hit = EmbeddedInject(cloud, ZONES).start(Take(who=Who.ALL, notice=notice), seen("i-1"), 1)
    assert (hit, cloud.calls) == (("i-1",), [call])


def test_the_market_does_not_take_what_is_on_demand() -> None:
    """Nobody takes those away; they break like others."""
    cloud = FakeCloud()
    inject, there = EmbeddedInject(cloud, ZONES), Ready(instance="i-1", zone="a", spot=False)
    fleet = Sighting(at=0.0, replicas=(there,), wanted=1)
    assert inject.start(Take(who=Who.ALL), fleet, 1) == ()
    assert inject.start(Break(who=Who.ALL, what=Trouble.AGENT_DEATH, seconds=0), fleet, 1) == ("i-1",)


def test_what_broke_is_mended_where_it_still_is() -> None:
    """A replica that went meanwhile is no error; one that was gone before isn't counted as hit."""
    cloud = FakeCloud(gone={"i-2"})
    inject, hang = EmbeddedInject(cloud, ZONES), Break(who=Who.ALL, what=Trouble.ENGINE_HANG, seconds=60)
    assert set(inject.start(hang, seen("i-1", "i-2", "i-3"), 1)) == {"i-1", "i-3"}
    cloud.calls.clear()
    cloud.gone.add("i-1")
    inject.stop(hang)
    assert cloud.calls == [("trouble", "i-3", "engine-hang", 0, 0.0)]


@pytest.mark.parametrize(
    ("drought", "steps", "repeat"),
    [
        (Market(seconds=60), [(0.0, dict.fromkeys(ZONES, 0))], None),
        (Market(seconds=60, flap=30.0), [(0.0, dict.fromkeys(ZONES, 0)), (30.0, {})], 60.0),
        (Market(seconds=60, trace=((0.0, (4, 2, 9)),)), [(0.0, {ZONES[0]: 4, ZONES[1]: 2})], None),
    ],
)
def test_the_market_becomes_what_it_was(drought: Market, steps: Any, repeat: float | None) -> None:
    """Somebody's own market comes back after a drought, not an endless one."""
    cloud = FakeCloud()
    before = dict(cloud.held_market)
    inject = EmbeddedInject(cloud, ZONES)
    inject.start(drought, None, 1)
    assert (cloud.held_market["steps"], cloud.held_market["repeat"]) == (steps, repeat)
    inject.stop(drought)
    assert cloud.held_market == before


def test_faults_become_what_they_were() -> None:
    """What was set before stays beside the new ones, and is all that is left; they may overlap."""
    cloud = FakeCloud()
    inject = EmbeddedInject(cloud, ZONES)
    throttle, stale = Faults(seconds=5, faults={"throttle": 0.3}), Faults(seconds=9, faults={"stale": 2.0})
    inject.start(throttle, None, 1)
    inject.start(stale, None, 1)
    assert cloud.held_faults == {"latency": 0.1, "throttle": 0.3, "stale": 2.0}
    inject.stop(throttle)
    assert cloud.held_faults == {"latency": 0.1, "throttle": 0.0, "stale": 2.0}
    inject.stop(stale)
    assert cloud.held_faults == {"latency": 0.1, "throttle": 0.0}


def test_a_market_is_not_begun_anew_by_something_else() -> None:
    """A trace goes on while faults come and go."""
    cloud = FakeCloud()
    inject, faults = EmbeddedInject(cloud, ZONES), Faults(seconds=5, faults={"throttle": 0.3})
    inject.start(Market(seconds=60, flap=30.0), None, 1)
    cloud.held_market = {"steps": "going on"}
    inject.start(faults, None, 1)
    inject.stop(faults)
    assert cloud.held_market == {"steps": "going on"}


def test_what_never_began_is_undone_without_harm() -> None:
    """An interrupt may come before the beginning."""
    cloud = FakeCloud()
    before = dict(cloud.held_market)
    for injection in (Market(seconds=1), Faults(seconds=1)):
        EmbeddedInject(cloud, ZONES).stop(injection)
    assert cloud.held_market == before


def test_cost_is_ready_replicas_by_time() -> None:
    """An hour of two on spot and one on demand, then nothing more is known."""
    spot = (Ready(instance="i-1", zone="a"), Ready(instance="i-2", zone="a"))
    fleet = (*spot, Ready(instance="i-3", zone="a", spot=False))
    looks = [Sighting(at=0.0, replicas=fleet, wanted=3), Sighting(at=3600.0, replicas=(), wanted=3)]
    assert cost(looks, spot=0.5, on_demand=2.0) == pytest.approx(3.0)
    assert cost(looks[:1], spot=0.5, on_demand=2.0) == 0
