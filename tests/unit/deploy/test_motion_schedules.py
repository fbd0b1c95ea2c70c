"""Scheduled minimums are motion: the live slot's, carried out by AWS, never undone by a deploy."""

from dataclasses import replace
from datetime import datetime

import msgspec
import pytest

from infra.deploy.motion import DropSchedule, PutSchedule, Resize, Step, carry_out, steps
from infra.deploy.observe import read
from infra.deploy.types import Live, Schedule
from infra.environment.model import Environment, Replicas, Scaling, ScheduledMinimum, Spot
from infra.environment.slots import Slot
from tests.fakes.deploy import START, FakeBalancer, FakeFleet, FakeRuntime

BLUE, GREEN = "llmctl-test-chat-blue-spot", "llmctl-test-chat-green-spot"
MORNING = ScheduledMinimum(cron="0 8 * * *", min=5)
EVENING = ScheduledMinimum(cron="0 20 * * *", min=3)
NIGHT, NOON = START.replace(hour=3), START.replace(hour=12)


@pytest.fixture
def scheduled(environment: Environment) -> Environment:
    """`chat` follows its load, with five replicas by day and three by night; one of them on demand."""
    chat = msgspec.structs.replace(
        environment.models["chat"],
        replicas=Replicas(min=3, max=8, schedule=(MORNING, EVENING)),
        spot=Spot(on_demand_base=1),
        scaling=Scaling(target=60),
    )
    return msgspec.structs.replace(environment, models={"chat": chat})


def settle(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime, now: datetime
) -> list[Step]:
    """Carry out all steps; what they were."""
    done = list(steps(environment, read(fleet, balancer, runtime), now))
    for step in done:
        carry_out(step, fleet, runtime)
    return done


def test_the_live_slot_gets_the_schedule(
    scheduled: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """Minimums are less the on-demand base, and the desired size is left to the scaling policy."""
    settle(scheduled, fleet, balancer, runtime, NIGHT)
    assert fleet.by_name[BLUE].schedules == (
        Schedule(name="minimum-1", cron="0 8 * * *", timezone="UTC", minimum=4),
        Schedule(name="minimum-2", cron="0 20 * * *", timezone="UTC", minimum=2),
    )
    assert [name for name, group in fleet.by_name.items() if group.schedules] == [BLUE]


def test_a_deploy_by_day_keeps_the_day_s_minimum(
    scheduled: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """What AWS raised at eight, a deploy at noon must not lower; and it has nothing to do."""
    settle(scheduled, fleet, balancer, runtime, NIGHT)
    assert fleet.by_name[BLUE].min == 2
    fleet.resize(BLUE, minimum=4, desired=6)
    assert settle(scheduled, fleet, balancer, runtime, NOON) == []


def test_a_first_deploy_by_day_starts_with_the_day_s_minimum(
    scheduled: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """The schedule's next time may be a day away."""
    assert Resize(BLUE, 4, 4) in settle(scheduled, fleet, balancer, runtime, NOON)


def test_a_second_run_changes_nothing(
    scheduled: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """Schedules that are there already aren't put again."""
    settle(scheduled, fleet, balancer, runtime, NIGHT)
    assert settle(scheduled, fleet, balancer, runtime, NIGHT) == []


def test_changed_and_removed_entries(
    scheduled: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """An entry that changed is dropped and put anew; one that left the file is dropped."""
    settle(scheduled, fleet, balancer, runtime, NIGHT)
    later = ScheduledMinimum(cron="0 9 * * *", min=5)
    chat = msgspec.structs.replace(
        scheduled.models["chat"], replicas=Replicas(min=3, max=8, schedule=(later,))
    )
    changed = msgspec.structs.replace(scheduled, models={"chat": chat})
    done = settle(changed, fleet, balancer, runtime, NIGHT)
    steps_ = [step for step in done if not isinstance(step, Resize)]
    assert [type(step) for step in steps_] == [DropSchedule, DropSchedule, PutSchedule]
    assert [each.cron for each in fleet.by_name[BLUE].schedules] == ["0 9 * * *"]


def test_entries_that_change_places_never_meet(
    scheduled: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """AWS refuses an action at a time that another one has: both are gone before either is put."""
    settle(scheduled, fleet, balancer, runtime, NIGHT)
    chat = msgspec.structs.replace(
        scheduled.models["chat"], replicas=Replicas(min=3, max=8, schedule=(EVENING, MORNING))
    )
    changed = msgspec.structs.replace(scheduled, models={"chat": chat})
    done = settle(changed, fleet, balancer, runtime, NIGHT)
    assert [type(step) for step in done] == [DropSchedule, DropSchedule, PutSchedule, PutSchedule]


def test_a_size_that_is_left_to_a_policy_now_is_forgotten(
    scheduled: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """AWS keeps the desired size of an action whose update doesn't mention it."""
    chat = msgspec.structs.replace(scheduled.models["chat"], scaling=None)
    settle(msgspec.structs.replace(scheduled, models={"chat": chat}), fleet, balancer, runtime, NIGHT)
    done = settle(scheduled, fleet, balancer, runtime, NIGHT)
    assert done[:2] == [DropSchedule(BLUE, "minimum-1"), DropSchedule(BLUE, "minimum-2")]
    assert [each.desired for each in fleet.by_name[BLUE].schedules] == [None, None]


def test_the_idle_slot_has_none(
    scheduled: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """What a slot had while it was live goes when the other one is."""
    settle(scheduled, fleet, balancer, runtime, NIGHT)
    runtime.live_by_model["chat"] = Live(slot=Slot.GREEN, release=1, since=START)
    done = settle(scheduled, fleet, balancer, runtime, NIGHT)
    assert DropSchedule(BLUE, "minimum-1") in done
    assert fleet.by_name[BLUE].schedules == ()
    assert len(fleet.by_name[GREEN].schedules) == 2


def test_without_scaling_the_schedule_sets_the_size(
    scheduled: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """Nobody else would take the day's replicas away in the evening."""
    chat = msgspec.structs.replace(scheduled.models["chat"], scaling=None)
    still = msgspec.structs.replace(scheduled, models={"chat": chat})
    settle(still, fleet, balancer, runtime, NIGHT)
    assert [each.desired for each in fleet.by_name[BLUE].schedules] == [4, 2]


def test_a_sleeper_s_size_is_left_alone(
    scheduled: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """A model that was woken isn't put to sleep by a deploy, nor woken by one."""
    chat = msgspec.structs.replace(
        scheduled.models["chat"],
        replicas=Replicas(min=0, max=3, sleep_after="10m"),
        spot=Spot(),
        scaling=None,
    )
    sleeper = msgspec.structs.replace(scheduled, models={"chat": chat})
    settle(sleeper, fleet, balancer, runtime, NIGHT)
    assert fleet.by_name[BLUE].desired == 0
    fleet.by_name[BLUE] = replace(fleet.by_name[BLUE], desired=1)
    assert settle(sleeper, fleet, balancer, runtime, NIGHT) == []
