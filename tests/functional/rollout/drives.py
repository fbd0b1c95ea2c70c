"""A model that is deployed in the emulated account, seen by the real adapters, in a time of its own."""

from dataclasses import dataclass, replace

from infra.aws.rollout_fleet import GroupFleet
from infra.aws.rollout_journal import TableJournal
from infra.aws.rollout_records import TableRecords
from infra.aws.rollout_schedules import GroupSchedules
from infra.aws.rollout_traffic import RuleTraffic
from infra.aws.session import Session
from infra.embedded.aws import autoscaling, ec2, elbv2, views
from infra.environment import names
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from infra.rollout.ports import Clock, World
from infra.rollout.types import Plan, Size, Step
from tests.fakes.stack import bring_up
from tests.functional.rollout.journals import START, a_plan


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


def deployed(session: Session, environment: Environment) -> World:
    """`chat` serves release 1 with four replicas, and release 2 is there."""
    bring_up(session, environment)
    image = session.ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    session.ec2.create_launch_template_version(
        LaunchTemplateName=names.launch_template(environment.environment, "chat"),
        LaunchTemplateData={"ImageId": image, "InstanceType": "g6.xlarge"},
    )
    drain_soon(session, environment)
    return seen_by_a_driver(session, environment.environment, CloudClock())


def seen_by_a_driver(session: Session, environment: str, clock: Clock) -> World:
    """The real adapters."""
    where = (session, environment, "chat")
    return World(
        traffic=RuleTraffic(*where),
        fleet=GroupFleet(*where),
        schedules=GroupSchedules(*where),
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
