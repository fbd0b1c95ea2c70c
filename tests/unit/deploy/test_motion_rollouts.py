"""What `deploy` moves, and what it leaves to the driver of a rollout."""

from dataclasses import replace

import pytest

from infra.deploy.motion import DropSchedule, Forget, Pin, Resize, carry_out, steps
from infra.deploy.observe import read
from infra.deploy.types import Live, Schedule
from infra.environment.model import Environment
from infra.environment.slots import Slot
from infra.rollout.types import Phase
from tests.fakes.deploy import START, FakeBalancer, FakeFleet, FakeRuntime
from tests.unit.deploy.test_releases import BACK, FORWARD, rollout

BLUE, GREEN = "llmctl-test-chat-blue-spot", "llmctl-test-chat-green-spot"
NIGHT = Schedule(name="minimum-1", cron="0 20 * * *", timezone="UTC", minimum=1)


@pytest.fixture
def strayed(fleet: FakeFleet, runtime: FakeRuntime) -> FakeFleet:
    """Both slots are far from what the file says, as in the middle of a rollout."""
    runtime.live_by_model["chat"] = Live(slot=Slot.BLUE, release=1, since=START)
    for name in (BLUE, GREEN):
        fleet.by_name[name] = replace(fleet.by_name[name], min=5, desired=5, release=9, schedules=(NIGHT,))
    return fleet


@pytest.mark.parametrize("phase", FORWARD + BACK)
def test_a_model_in_a_rollout_is_left_alone(
    environment: Environment, strayed: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime, phase: Phase
) -> None:
    """Two hands on one group would undo each other; other models are deployed all the same."""
    runtime.rollout_by_model["chat"] = rollout(phase)
    found = steps(environment, read(strayed, balancer, runtime), START)
    assert not [step for step in found if "chat" in str(step)]
    assert [step for step in found if "french" in str(step)]


@pytest.mark.parametrize("phase", [Phase.KEEPING, Phase.DRAINING])
def test_the_new_slot_is_deploys_again_once_it_has_all_the_traffic(
    environment: Environment, strayed: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime, phase: Phase
) -> None:
    """The old slot keeps its size for an instant rollback; only no schedule may change it any more."""
    runtime.live_by_model["chat"] = Live(slot=Slot.GREEN, release=2, since=START)
    runtime.rollout_by_model["chat"] = rollout(phase)
    found = steps(environment, read(strayed, balancer, runtime), START)
    assert Pin(GREEN, 2) in found
    assert Resize(GREEN, 3, 3) in found
    assert [step for step in found if "chat-blue" in str(step)] == [DropSchedule(BLUE, NIGHT.name)]


@pytest.mark.parametrize("phase", [Phase.DONE, Phase.ROLLED_BACK])
def test_a_rollout_that_ended_changes_nothing(
    environment: Environment, strayed: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime, phase: Phase
) -> None:
    """The live slot is within its bounds again afterwards."""
    runtime.rollout_by_model["chat"] = rollout(phase)
    found = steps(environment, read(strayed, balancer, runtime), START)
    assert Pin(BLUE, 1) in found
    assert Resize(BLUE, 3, 3) in found


def test_a_removed_model_takes_its_rollouts_along(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """A later model of its name must not find a rollout that it never had."""
    runtime.live_by_model["gone"] = Live(slot=Slot.BLUE, release=1, since=START)
    runtime.rollout_by_model["gone"] = rollout(Phase.BAKING)
    found = steps(environment, read(fleet, balancer, runtime), START)
    assert Forget("gone") in found
    carry_out(Forget("gone"), fleet, runtime)
    assert "gone" not in runtime.rollout_by_model
