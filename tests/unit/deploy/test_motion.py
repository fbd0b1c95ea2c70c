"""What `deploy` moves after Terraform has applied."""

import msgspec
import pytest

from infra.deploy.motion import Forget, GoLive, Pin, Resize, Step, carry_out, steps, waiting_releases
from infra.deploy.observe import read
from infra.deploy.types import Live
from infra.environment.model import Environment, Replicas, Scaling
from infra.environment.slots import Slot
from tests.fakes.deploy import START, FakeBalancer, FakeFleet, FakeRuntime

BLUE_SPOT, BLUE_ON_DEMAND = "llmctl-test-chat-blue-spot", "llmctl-test-chat-blue-on-demand"


def settle(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> list[Step]:
    """Carry out all steps; what they were."""
    done = list(steps(environment, read(fleet, balancer, runtime), START))
    for step in done:
        carry_out(step, fleet, runtime)
    return done


def test_first_release_goes_straight_into_blue(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """A model that is live nowhere gets its newest release in blue, recorded before anything moves."""
    done = settle(environment, fleet, balancer, runtime)
    assert [step for step in done if "chat" in str(step)] == [
        GoLive("chat", Slot.BLUE, 1),
        Resize(BLUE_SPOT, 3, 3),
        Resize(BLUE_ON_DEMAND, 1, 1),
    ]
    assert all(group.desired == 0 for group in fleet.groups() if group.slot is Slot.GREEN)


def test_second_run_moves_nothing(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """Deploying what is already there changes nothing."""
    settle(environment, fleet, balancer, runtime)
    assert settle(environment, fleet, balancer, runtime) == []


@pytest.mark.parametrize("cut", range(6))
def test_cut_anywhere_and_run_again_reaches_the_same_end(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime, cut: int
) -> None:
    """A deploy that died after any step is completed by the next one."""
    for step in steps(environment, read(fleet, balancer, runtime), START)[:cut]:
        carry_out(step, fleet, runtime)
    settle(environment, fleet, balancer, runtime)
    assert {group.name: group.desired for group in fleet.groups() if group.desired} == {
        f"llmctl-test-{model}-blue-{market}": size
        for model in ("chat", "french")
        for market, size in (("spot", 3), ("on-demand", 1))
    }
    assert runtime.live_by_model.keys() == {"chat", "french"}


@pytest.mark.parametrize("fallback", [True, False])
def test_a_deploy_in_a_drought_takes_nobody_away(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime, fallback: bool
) -> None:
    """What the guardian added may be all that serves; without a fallback the file's size holds."""
    chat = environment.models["chat"]
    told = msgspec.structs.replace(chat, spot=msgspec.structs.replace(chat.spot, fallback=fallback))
    environment = msgspec.structs.replace(environment, models={"chat": told})
    settle(environment, fleet, balancer, runtime)
    fleet.resize(BLUE_ON_DEMAND, minimum=1, desired=3)
    assert settle(environment, fleet, balancer, runtime) == (
        [] if fallback else [Resize(BLUE_ON_DEMAND, 1, 1)]
    )


def test_new_template_version_does_not_reach_a_live_slot(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """Terraform adding a release moves nothing: only a rollout changes what serves traffic."""
    settle(environment, fleet, balancer, runtime)
    fleet.releases["chat"] = 2
    facts = read(fleet, balancer, runtime)
    assert steps(environment, facts, START) == ()
    assert waiting_releases(facts) == {"chat": 2}


def test_group_that_strayed_is_pinned_back_to_the_live_release(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """A live group whose version was changed by hand boots the recorded release again."""
    settle(environment, fleet, balancer, runtime)
    fleet.pin(BLUE_SPOT, 7)
    assert settle(environment, fleet, balancer, runtime) == [Pin(BLUE_SPOT, 1)]


def test_changed_minimum_resizes_only_its_model(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """Models scale on their own."""
    settle(environment, fleet, balancer, runtime)
    larger = msgspec.structs.replace(environment.models["chat"], replicas=Replicas(min=4, max=5))
    changed = msgspec.structs.replace(environment, models={**environment.models, "chat": larger})
    assert settle(changed, fleet, balancer, runtime) == [Resize(BLUE_SPOT, 4, 4)]


def test_desired_size_of_a_scaled_group_belongs_to_its_scaling_policy(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """A deploy in the middle of a busy hour must not take replicas away that target tracking added."""
    scaled = msgspec.structs.replace(environment.models["chat"], scaling=Scaling(target=100))
    environment = msgspec.structs.replace(environment, models={"chat": scaled})
    settle(environment, fleet, balancer, runtime)
    fleet.resize(BLUE_SPOT, minimum=3, desired=5)
    assert settle(environment, fleet, balancer, runtime) == []


def test_removed_model_is_forgotten(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """A model that comes back under an old name must not inherit a release number of its predecessor."""
    runtime.live_by_model["gone"] = Live(slot=Slot.GREEN, release=9, since=START)
    assert Forget("gone") in settle(environment, fleet, balancer, runtime)
    assert "gone" not in runtime.live_by_model


def test_every_step_is_in_the_audit_log(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """What moved can be read afterwards."""
    done = settle(environment, fleet, balancer, runtime)
    assert [event[1] for event in runtime.events] == [str(step) for step in done]
