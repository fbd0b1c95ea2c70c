"""A rollout over an API that throttles, fails, loses answers and tells old news ends as on a good day."""

from collections.abc import Iterator

import pytest

from infra.aws.session import Session
from infra.embedded.aws.faults import INJECTOR, Faults
from infra.environment.model import Environment
from infra.environment.slots import Slot
from infra.errors import LlmctlError
from infra.rollout.controller import drive
from infra.rollout.ports import World
from infra.rollout.types import Phase
from tests.functional.rollout.drives import deployed, healthy, plan
from tests.functional.rollout.journals import FIRST

SERVICES = ("autoscaling", "dynamodb", "elasticloadbalancing")
CRUELTIES = {
    "throttled": Faults(throttle=0.15, services=SERVICES, seed=1),
    "failing": Faults(errors=0.2, services=SERVICES, seed=2),
    "lost": Faults(lost=0.2, services=SERVICES, seed=3),
    "old": Faults(stale=0.5),
    "all of it": Faults(throttle=0.1, errors=0.05, lost=0.05, stale=0.2, services=SERVICES, seed=4),
}
_DRIVERS = 5


@pytest.fixture
def world(session: Session, environment: Environment) -> World:
    """`chat` serves release 1 with four replicas, and release 2 is there."""
    return deployed(session, environment)


@pytest.fixture(autouse=True)
def mercy() -> Iterator[None]:
    """No fault outlives its test."""
    yield
    INJECTOR.set(Faults())


def drive_to_its_end(world: World) -> Phase:
    """Drive; who gives up is followed by another driver, as `resume` would."""
    for number in range(_DRIVERS):
        try:
            return drive(world, f"ann@laptop {number}", watch=lambda _: None).phase
        except LlmctlError:
            continue
    raise AssertionError(f"{_DRIVERS} drivers have given up")


@pytest.mark.parametrize("faults", CRUELTIES.values(), ids=CRUELTIES)
def test_it_ends_as_on_a_good_day(world: World, faults: Faults) -> None:
    """All traffic with the new release, recorded, the old replicas warm, nothing announced and not done."""
    world.journal.begin(plan(), FIRST)
    INJECTOR.set(faults)
    phase = drive_to_its_end(world)
    INJECTOR.set(Faults())
    assert phase is Phase.KEEPING
    assert world.traffic.weights() == {Slot.BLUE: 0, Slot.GREEN: 100}
    assert healthy(world) == {Slot.BLUE: 4, Slot.GREEN: 4}
    assert world.records.live() is Slot.GREEN
    record = world.journal.read()
    assert record is not None
    assert record.intent == ""
    assert {one.release for one in world.fleet.replicas() if one.slot is Slot.GREEN} == {2}
