"""A whole rollout over the real adapters: every move reaches AWS, and every look comes from there."""

from dataclasses import dataclass, replace

import pytest

from infra.aws.rollout_fleet import GroupFleet
from infra.aws.rollout_journal import TableJournal
from infra.aws.rollout_records import TableRecords
from infra.aws.rollout_traffic import RuleTraffic
from infra.aws.session import Session
from infra.embedded.aws import autoscaling, ec2, elbv2, views
from infra.environment import names
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from infra.rollout.controller import drive
from infra.rollout.ports import World
from infra.rollout.types import Asked, Phase, Plan, Request, Size, Step
from tests.fakes.stack import bring_up
from tests.functional.rollout.journals import FIRST, START, a_plan


@dataclass
class CloudClock:
    """Time in which the emulated cloud launches, boots, checks and drains."""

    now: float = START

    def time(self) -> float:
        """The time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        autoscaling.reconcile(self.now)
        for instance in views.instances():
            if instance.state == "pending":
                ec2.mark_running(instance.id)
        for group in (group for balancer in views.load_balancers() for group in balancer.target_groups):
            for target in group.targets:
                elbv2.set_target_health(group.arn, target.id, target.port, views.TargetState.HEALTHY, "", "")


@pytest.fixture
def world(session: Session, environment: Environment) -> World:
    """`chat` serves release 1 with four replicas, and release 2 is there."""
    bring_up(session, environment)
    image = session.ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    session.ec2.create_launch_template_version(
        LaunchTemplateName=names.launch_template(environment.environment, "chat"),
        LaunchTemplateData={"ImageId": image, "InstanceType": "g6.xlarge"},
    )
    drain_soon(session, environment)
    clock = CloudClock()
    where = (session, environment.environment, "chat")
    return World(
        traffic=RuleTraffic(*where),
        fleet=GroupFleet(*where),
        records=TableRecords(*where),
        journal=TableJournal(*where, now=clock.time),
        clock=clock,
    )


def drain_soon(session: Session, environment: Environment) -> None:
    """Leaving replicas have five seconds for their requests, not AWS's five minutes."""
    target_groups = [names.target_group(environment.environment, "chat", slot) for slot in Slot]
    for group in session.elbv2.describe_target_groups(Names=target_groups)["TargetGroups"]:
        session.elbv2.modify_target_group_attributes(
            TargetGroupArn=group["TargetGroupArn"],
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}],
        )


def plan() -> Plan:
    """Two steps that nobody judges; the old replicas are kept for five minutes."""
    sizes = {Market.SPOT: Size(minimum=1, desired=3), Market.ON_DEMAND: Size(minimum=1, desired=1)}
    steps = (Step(weight=25, bake=0.0), Step(weight=100, bake=0.0))
    return replace(a_plan(), steps=steps, baseline=sizes, propagation=1.0, keep_previous=300.0)


def healthy(world: World) -> dict[Slot, int]:
    """Healthy replicas of both slots."""
    seen = world.fleet.replicas()
    return {slot: sum(one.healthy for one in seen if one.slot is slot) for slot in Slot}


def test_a_release_takes_over_and_the_old_one_drains(world: World) -> None:
    """The new slot serves alone in the end, recorded as live, and the story says how it went."""
    world.journal.begin(plan(), FIRST)
    kept = drive(world, "ann@laptop 7", watch=lambda _: None)
    assert kept.phase is Phase.KEEPING
    assert world.traffic.weights() == {Slot.BLUE: 0, Slot.GREEN: 100}
    assert healthy(world) == {Slot.BLUE: 4, Slot.GREEN: 4}
    assert world.records.live() is Slot.GREEN
    world.clock.sleep(301)
    assert drive(world, "watchdog", watch=lambda _: None).phase is Phase.DONE
    assert healthy(world) == {Slot.BLUE: 0, Slot.GREEN: 4}
    record = world.journal.read()
    assert record is not None
    assert (record.intent, record.lease) == ("", None)
    assert {one.release for one in world.fleet.replicas()} == {2}
    intents = [entry.text for entry in world.journal.entries() if entry.kind == "intent"]
    outcomes = [entry for entry in world.journal.entries() if entry.kind == "outcome"]
    assert len(outcomes) == len(intents)
    assert "blue 75, green 25" in intents


def test_an_abort_leads_back(world: World) -> None:
    """All is as it was before when somebody says so, and the request is carried out once."""
    world.journal.begin(plan(), FIRST)
    world.journal.ask(Request(id="r1", asked=Asked.PAUSE, by="bob", at=START))
    aborted: list[bool] = []

    def watch(_: object) -> None:
        record = world.journal.read()
        if record and record.status.phase is Phase.PAUSED and not aborted:
            aborted.append(True)
            world.journal.ask(Request(id="r2", asked=Asked.ABORT, by="bob", at=START + 9))

    assert drive(world, "ann@laptop 7", watch=watch).phase is Phase.ROLLED_BACK
    assert world.traffic.weights() == {Slot.BLUE: 100, Slot.GREEN: 0}
    assert healthy(world) == {Slot.BLUE: 4, Slot.GREEN: 0}
    assert world.records.live() is Slot.BLUE
