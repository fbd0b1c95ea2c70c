"""What differs between the file and the cloud, and what each difference means."""

from dataclasses import replace
from pathlib import Path

import pytest

from cli.render.drift import print_drift
from infra.deploy.motion import carry_out, steps
from infra.deploy.observe import read
from infra.deploy.types import Health, Instance
from infra.drift.motion import motion
from infra.drift.resources import resources
from infra.drift.types import Finding, Kind, drifted
from infra.environment.model import Environment
from infra.environment.slots import Slot
from infra.rollout.types import Phase
from infra.terraform.events import Drift, PlannedChange
from infra.terraform.runner import PlanSummary
from tests.fakes.deploy import START, FakeBalancer, FakeFleet, FakeRuntime
from tests.unit.deploy.test_releases import rollout

SPOT, ON_DEMAND = "llmctl-test-chat-blue-spot", "llmctl-test-chat-blue-on-demand"


@pytest.fixture
def deployed(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """All that a deploy moves was moved."""
    for step in steps(environment, read(fleet, balancer, runtime), START):
        carry_out(step, fleet, runtime)


def found(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> list[Finding]:
    """What is moved, of all models."""
    return list(motion(environment, read(fleet, balancer, runtime), START))


@pytest.mark.usefixtures("deployed")
def test_what_was_deployed_has_not_drifted(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """As told, nothing is to be said."""
    assert found(environment, fleet, balancer, runtime) == []


@pytest.mark.usefixtures("deployed")
def test_what_the_guardian_added_is_expected(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """On-demand replicas in a drought need nobody."""
    fleet.resize(ON_DEMAND, minimum=1, desired=3)
    (finding,) = found(environment, fleet, balancer, runtime)
    assert (finding.kind, finding.what, finding.found) == (
        Kind.EXPECTED,
        ON_DEMAND,
        "3 replicas, 1 at least",
    )
    assert not drifted((finding,))


@pytest.mark.usefixtures("deployed")
def test_sizes_and_releases_by_hand_are_told_with_what_they_were(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """What it is, what it ought to be, and that a deploy puts it back."""
    fleet.resize(SPOT, minimum=0, desired=1)
    fleet.pin(SPOT, 7)
    told = found(environment, fleet, balancer, runtime)
    assert {each.kind for each in told} == {Kind.MANUAL}
    assert [each.found for each in told] == [
        "boots release 7; as told: boots release 1",
        "1 replicas, at least 0; as told: 3 replicas, at least 3",
    ]
    assert drifted(tuple(told))


@pytest.mark.usefixtures("deployed")
def test_weights_by_hand_are_told(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """Without a rollout, only the live slot has traffic."""
    balancer.weights_by_model["chat"] = {Slot.BLUE: 90, Slot.GREEN: 10}
    (finding,) = found(environment, fleet, balancer, runtime)
    assert (finding.kind, finding.model, finding.what) == (Kind.MANUAL, "chat", "weights")


@pytest.mark.usefixtures("deployed")
def test_a_release_that_waits_is_not_applied(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """Terraform made it, nobody rolled it out."""
    fleet.releases["chat"] = 2
    (finding,) = found(environment, fleet, balancer, runtime)
    assert (finding.kind, finding.what) == (Kind.WAITING, "release")


@pytest.mark.parametrize(
    ("phase", "driver", "kind"),
    [
        (Phase.BAKING, "somebody", Kind.EXPECTED),
        (Phase.BAKING, "", Kind.BROKEN),
        (Phase.PAUSED, "", Kind.EXPECTED),
        (Phase.KEEPING, "", Kind.EXPECTED),
        (Phase.RETURNING, "", Kind.EXPECTED),
    ],
)
@pytest.mark.usefixtures("deployed")
def test_a_rollout_that_nobody_drives_is_broken_where_somebody_should(
    environment: Environment,
    fleet: FakeFleet,
    balancer: FakeBalancer,
    runtime: FakeRuntime,
    phase: Phase,
    driver: str,
    kind: Kind,
) -> None:
    """A step's judgement needs a driver; waiting, keeping the old release warm and going back don't."""
    runtime.rollout_by_model["chat"] = rollout(phase, driver=driver)
    told = found(environment, fleet, balancer, runtime)
    assert [each.kind for each in told if each.what == "rollout"] == [kind]


@pytest.mark.usefixtures("deployed")
def test_what_fails_is_broken(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """Launches without capacity, replicas that the balancer avoids, and those that run something else."""
    instances = tuple(
        Instance(id=name, lifecycle="InService", release=release, type="g5.xlarge", zone="a")
        for name, release in (("i-ill", 1), ("i-old", 9), ("i-well", 1))
    )
    balancer.health_by_instance = {"i-ill": Health.UNHEALTHY, "i-old": Health.HEALTHY}
    group = fleet.by_name[SPOT]
    fleet.by_name[SPOT] = replace(group, problem="no capacity", instances=instances)
    told = {each.what: each.kind for each in found(environment, fleet, balancer, runtime)}
    assert told == {SPOT: Kind.BROKEN, "i-ill": Kind.BROKEN, "i-old": Kind.MANUAL}


def test_resources_are_told_apart_by_who_changed_them() -> None:
    """Changed by hand, deleted by hand, or only in the file; what Terraform leaves alone is not told."""
    plan = PlanSummary(
        Path("plan"),
        (
            PlannedChange("aws_lb.balancer", "aws_lb", "update"),
            PlannedChange("aws_sns_topic.alarms", "aws_sns_topic", "create"),
            PlannedChange("aws_launch_template.model_chat_release", "aws_launch_template", "update"),
        ),
        has_changes=True,
        drifts=(
            Drift("aws_lb.balancer", "update"),
            Drift("aws_sns_topic.alarms", "delete"),
            Drift("aws_autoscaling_group.model_chat_blue_spot", "update"),
        ),
    )
    told = {each.what: (each.kind, each.model) for each in resources(plan)}
    assert told == {
        "aws_lb.balancer": (Kind.MANUAL, ""),
        "aws_sns_topic.alarms": (Kind.BROKEN, ""),
        "aws_launch_template.model_chat_release": (Kind.WAITING, "chat"),
    }


def test_the_worst_is_told_first(capsys: pytest.CaptureFixture[str]) -> None:
    """People read from the top."""
    findings = [
        Finding(kind=kind, model="chat", what=f"thing-{number}", found="x", hint="do it")
        for number, kind in enumerate((Kind.EXPECTED, Kind.MANUAL, Kind.BROKEN))
    ]
    print_drift("test", findings)
    out = capsys.readouterr().out
    assert out.index("broken") < out.index("manual") < out.index("expected")
    print_drift("test", [])
    assert "all is as the file says" in capsys.readouterr().out
