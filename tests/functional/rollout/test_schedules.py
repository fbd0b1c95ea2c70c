"""Minimums by the clock follow the live slot, whoever drives the rollout that changes it."""

from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from infra.aws.fleet import AwsFleet
from infra.aws.rollout_schedules import GroupSchedules
from infra.aws.session import Session
from infra.deploy.types import Schedule
from infra.environment import names
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from infra.errors import LlmctlError
from infra.rollout.controller import drive
from infra.rollout.types import Asked, Phase, Request
from tests.fakes.stack import bring_up
from tests.functional.rollout.drives import deployed, plan
from tests.functional.rollout.journals import FIRST

MORNING = Schedule(
    name="minimum-1", cron="0 8 * * MON-FRI", timezone="Europe/Berlin", minimum=5, desired=None
)
EVENING = Schedule(name="minimum-2", cron="0 19 * * *", timezone="UTC", minimum=3, desired=3)


def spot(environment: Environment, slot: Slot) -> str:
    """Name of a slot's spot group."""
    return names.group(environment.environment, "chat", slot, Market.SPOT)


def schedule_blue(session: Session, environment: Environment) -> AwsFleet:
    """What `deploy` puts on the live slot."""
    fleet = AwsFleet(session, environment)
    for one in (MORNING, EVENING):
        fleet.put_schedule(spot(environment, Slot.BLUE), one)
    return fleet


def found(fleet: AwsFleet, slot: Slot) -> tuple[Schedule, ...]:
    """The schedules of a slot's groups, as `deploy` sees them."""
    return tuple(
        one
        for group in fleet.groups()
        if group.model == "chat" and group.slot is slot
        for one in group.schedules
    )


@pytest.fixture
def schedules(session: Session, environment: Environment) -> GroupSchedules:
    """Those of `chat`, whose live slot has two."""
    bring_up(session, environment)
    schedule_blue(session, environment)
    return GroupSchedules(session, environment.environment, "chat")


def test_they_move_as_they_are(session: Session, environment: Environment, schedules: GroupSchedules) -> None:
    """A `deploy` afterwards finds nothing to change: times, zones and sizes are the same."""
    assert schedules.slots() == {Slot.BLUE}
    schedules.move(Slot.GREEN)
    schedules.move(Slot.GREEN)
    assert schedules.slots() == {Slot.GREEN}
    fleet = AwsFleet(session, environment)
    assert found(fleet, Slot.GREEN) == (MORNING, EVENING)
    assert found(fleet, Slot.BLUE) == ()


def test_a_move_that_was_cut_short_is_ended_by_the_next(
    session: Session, environment: Environment, schedules: GroupSchedules
) -> None:
    """Both slots have them, or one of them is gone already: none is lost, none stays behind."""
    AwsFleet(session, environment).put_schedule(spot(environment, Slot.GREEN), MORNING)
    assert schedules.slots() == set(Slot)
    schedules.move(Slot.GREEN)
    assert set(found(AwsFleet(session, environment), Slot.GREEN)) == {MORNING, EVENING}
    assert schedules.slots() == {Slot.GREEN}


def test_what_is_meant_for_once_stays(
    session: Session, environment: Environment, schedules: GroupSchedules
) -> None:
    """Somebody has prepared for one evening on this very group."""
    session.autoscaling.put_scheduled_update_group_action(
        AutoScalingGroupName=spot(environment, Slot.BLUE),
        ScheduledActionName="launch-party",
        StartTime="2099-12-31T20:00:00Z",
        MinSize=6,
    )
    schedules.move(Slot.GREEN)
    assert schedules.slots() == {Slot.GREEN}
    left = session.autoscaling.describe_scheduled_actions(AutoScalingGroupName=spot(environment, Slot.BLUE))
    assert [each["ScheduledActionName"] for each in left["ScheduledUpdateGroupActions"]] == ["launch-party"]


def test_what_aws_refuses_is_not_taken_from_the_old_slot(
    session: Session, environment: Environment, schedules: GroupSchedules
) -> None:
    """A live slot without its minimum would be too small in the morning: the move fails and says why."""
    own: Any = session.bounded.autoscaling
    refusal = {
        "ScheduledActionName": "minimum-1",
        "ErrorCode": "ValidationError",
        "ErrorMessage": "same time",
    }
    listed = own.describe_scheduled_actions(AutoScalingGroupName=spot(environment, Slot.BLUE))
    with Stubber(own) as stub:
        stub.add_response("describe_scheduled_actions", _bare(listed), {"AutoScalingGroupName": ANY})
        stub.add_response(
            "batch_put_scheduled_update_group_action",
            {"FailedScheduledUpdateGroupActions": [refusal]},
            {"AutoScalingGroupName": ANY, "ScheduledUpdateGroupActions": ANY},
        )
        with pytest.raises(LlmctlError, match="minimum-1: same time"):
            schedules.move(Slot.GREEN)
    assert schedules.slots() == {Slot.BLUE}


def _bare(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def test_they_go_with_the_live_slot_and_come_back_with_it(session: Session, environment: Environment) -> None:
    """Nobody has to run a command for it: a driver moves them there, and another one back."""
    world = deployed(session, environment)
    fleet = schedule_blue(session, environment)
    world.journal.begin(plan(), FIRST)
    assert drive(world, "ann@laptop 7", watch=lambda _: None).phase is Phase.KEEPING
    assert world.schedules.slots() == {Slot.GREEN}
    assert found(fleet, Slot.GREEN) == (MORNING, EVENING)
    world.journal.ask(Request(id="r1", asked=Asked.ABORT, by="bob", at=world.clock.time()))
    assert drive(world, "watchdog", watch=lambda _: None).phase is Phase.ROLLED_BACK
    assert world.schedules.slots() == {Slot.BLUE}
    assert found(fleet, Slot.BLUE) == (MORNING, EVENING)
