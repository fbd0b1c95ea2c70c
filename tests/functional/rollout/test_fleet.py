"""A model's groups and replicas as the driver of a rollout sees and moves them."""

import pytest

from infra.aws.rollout_fleet import GroupFleet
from infra.aws.session import Session
from infra.embedded.aws import autoscaling, elbv2, views
from infra.environment.model import Environment
from infra.environment.names import group, target_group
from infra.environment.slots import Market, Slot
from infra.errors import LlmctlError
from tests.fakes.stack import bring_up


@pytest.fixture
def fleet(session: Session, environment: Environment) -> GroupFleet:
    """The fleet of `chat`: blue serves with four replicas, green is empty."""
    bring_up(session, environment)
    return GroupFleet(session, environment.environment, "chat")


def test_all_four_groups_are_seen(fleet: GroupFleet) -> None:
    """Both slots and markets with release and sizes, the idle slot included, of this model only."""
    seen = {(one.slot, one.market): (one.release, one.desired) for one in fleet.groups()}
    assert seen == {
        (Slot.BLUE, Market.SPOT): (1, 3),
        (Slot.BLUE, Market.ON_DEMAND): (1, 1),
        (Slot.GREEN, Market.SPOT): (1, 0),
        (Slot.GREEN, Market.ON_DEMAND): (1, 0),
    }
    assert {one.problem for one in fleet.groups()} == {""}


def test_groups_are_resized_and_pinned(session: Session, environment: Environment, fleet: GroupFleet) -> None:
    """What the next instances boot, and how many there shall be, is as it was set; the rest stays."""
    name = group(environment.environment, "chat", Slot.GREEN, Market.SPOT)
    template = f"llmctl-{environment.environment}-chat"
    session.ec2.create_launch_template_version(
        LaunchTemplateName=template, SourceVersion="1", LaunchTemplateData={"InstanceType": "g6.xlarge"}
    )
    before = fleet.groups()
    fleet.pin(name, 2)
    fleet.resize(name, minimum=1, desired=2)
    (changed,) = (one for one in fleet.groups() if one.name == name)
    assert (changed.release, changed.minimum, changed.desired) == (2, 1, 2)
    assert [one for one in fleet.groups() if one.name != name] == [one for one in before if one.name != name]


def test_replicas_are_healthy_when_the_balancer_says_so(environment: Environment, fleet: GroupFleet) -> None:
    """A replica counts when it is in service and passes the balancer's checks, and not before."""
    assert {(one.slot, one.release, one.healthy, one.leaving) for one in fleet.replicas()} == {
        (Slot.BLUE, 1, True, False)
    }
    assert len(fleet.replicas()) == 4
    sick, draining = targets(environment)[:2]
    mark(environment, sick, views.TargetState.UNHEALTHY)
    mark(environment, draining, views.TargetState.DRAINING)
    seen = {one.id: (one.healthy, one.leaving) for one in fleet.replicas()}
    assert (seen[sick], seen[draining]) == ((False, False), (False, True))


def test_what_leaves_is_seen_leaving(environment: Environment, fleet: GroupFleet) -> None:
    """Instances that a smaller group gives up are not counted on any more, until they are gone."""
    name = group(environment.environment, "chat", Slot.BLUE, Market.SPOT)
    fleet.resize(name, minimum=0, desired=0)
    autoscaling.reconcile(100.0)
    assert sum(one.leaving or not one.healthy for one in fleet.replicas()) == len(fleet.replicas()) - 1
    for now in range(5):
        autoscaling.reconcile(1000.0 + now)
    assert [one.healthy for one in fleet.replicas()] == [True]


def test_a_group_without_capacity_says_why(environment: Environment, fleet: GroupFleet) -> None:
    """The new slot may get no instances: people are told AWS's reason while the rollout waits."""
    autoscaling.set_capacity(lambda _zone, _type, market: market != "spot")
    try:
        fleet.resize(group(environment.environment, "chat", Slot.GREEN, Market.SPOT), minimum=1, desired=1)
        autoscaling.reconcile(200.0)
        problems = {one.name: one.problem for one in fleet.groups() if one.problem}
    finally:
        autoscaling.set_capacity(None)
    assert list(problems) == [group(environment.environment, "chat", Slot.GREEN, Market.SPOT)]
    assert "capacity" in next(iter(problems.values())).lower()


def test_half_a_fleet_is_an_error(session: Session, environment: Environment, fleet: GroupFleet) -> None:
    """A group that somebody deleted would make the rollout believe that nothing is to be done there."""
    name = group(environment.environment, "chat", Slot.GREEN, Market.SPOT)
    session.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    for look in (fleet.groups, fleet.replicas, lambda: fleet.pin(name, 1)):
        with pytest.raises(LlmctlError, match=name):
            look()


def targets(environment: Environment) -> list[str]:
    """Instances at blue's target group."""
    return [target.id for target in blue(environment).targets]


def mark(environment: Environment, instance: str, state: views.TargetState) -> None:
    """Set a target's health, as the balancer's checks would."""
    found = blue(environment)
    (target,) = (target for target in found.targets if target.id == instance)
    elbv2.set_target_health(found.arn, target.id, target.port, state, "", "")


def blue(environment: Environment) -> views.TargetGroup:
    """Blue's target group."""
    name = target_group(environment.environment, "chat", Slot.BLUE)
    groups = [one for balancer in views.load_balancers() for one in balancer.target_groups]
    return next(one for one in groups if one.name == name)
