"""What the guardian makes of what it sees, and what it does about it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import LlmctlError
from infra.guardian.config import GuardedModel
from infra.guardian.guardian import Guardian, change, standbys
from infra.guardian.sight import observe, wanted
from infra.guardian.types import Activity, Group, LiveSlot, Notice, Replica
from infra.spot.types import Settings

NOW = 100_000.0
MODEL = GuardedModel(
    name="chat",
    zones=("us-east-1a", "us-east-1b"),
    types=("g5.xlarge", "g6.xlarge"),
    settings=Settings(overprovision=1, spare=0, on_demand_quota=6),
)
POOL = "us-east-1a/g5.xlarge"


def replica(number: int, *, in_service: bool = True, pool: str = POOL) -> Replica:
    """A spot replica."""
    return Replica(f"i-{number}", pool, in_service)


def slot(
    *replicas: Replica,
    desired: int = 4,
    on_demand: int = 0,
    activities: Sequence[Activity] = (),
    notices: Sequence[Notice] = (),
    rolling: bool = False,
) -> LiveSlot:
    """A live slot that wants three replicas and an extra one."""
    fallback = tuple(Replica(f"i-od{number}", POOL, in_service=True) for number in range(on_demand))
    return LiveSlot(
        spot=Group("spot", 0, desired, 7, replicas),
        on_demand=Group("on-demand", 0, on_demand, 6, fallback),
        activities=tuple(activities),
        notices=tuple(notices),
        rolling=rolling,
    )


def launched(number: int, *, began: float, ended: float | None) -> Activity:
    """The activity of a launch."""
    return Activity(launch=True, began=began, ended=ended, failed=False, instance=f"i-{number}")


def size(seen: LiveSlot, model: GuardedModel = MODEL, now: float = NOW) -> int:
    """What the on-demand group is after the look."""
    due = change(model, seen, now)
    return due.after if due else seen.on_demand.desired


def test_enough_spot_needs_nothing() -> None:
    """With what is wanted ready, the extra one may be missing."""
    assert change(MODEL, slot(replica(1), replica(2), replica(3)), NOW) is None


def test_missing_spot_is_bought_on_demand_at_once() -> None:
    """One look is enough: what neither runs nor comes is replaced."""
    assert size(slot(replica(1))) == 2
    assert size(slot()) == 3


def test_what_comes_is_not_bought_twice() -> None:
    """A spot replica on its way counts when on-demand is raised."""
    assert size(slot(replica(1), replica(2), replica(3, in_service=False))) == 0


def test_a_notice_counts_as_a_loss() -> None:
    """The replacement is asked for at the notice: the replica still serves, and is as good as gone."""
    all_here = [replica(number) for number in (1, 2, 3)]
    assert size(slot(*all_here, notices=[Notice("i-1", POOL, NOW - 1)])) == 1


def test_on_demand_is_given_back_for_steady_spot_only() -> None:
    """What was just launched doesn't take an on-demand replica's place; a while later it does."""
    spot = [replica(number) for number in (1, 2, 3)]
    fresh = [launched(number, began=NOW - 100, ended=NOW - 10) for number in (1, 2, 3)]
    assert size(slot(*spot, on_demand=3, activities=fresh)) == 3
    assert size(slot(*spot, on_demand=3, activities=fresh), now=NOW + 30) == 0


def test_an_activity_that_is_no_longer_told_was_long_ago() -> None:
    """A replica older than what the group remembers is a steady one."""
    (state, *_) = observe(MODEL, slot(replica(1))).spot
    assert state.ready_since == (-math.inf,)


def test_a_rollout_owns_the_sizes() -> None:
    """While one goes on, the guardian adds what spot lacks, and takes nothing away."""
    enough = [replica(number) for number in (1, 2, 3, 4)]
    assert size(slot(*enough, on_demand=2, rolling=True)) == 2
    assert size(slot(*enough, on_demand=2)) == 0
    assert size(slot(replica(1), rolling=True)) == 2


def test_a_model_that_was_just_woken_wants_its_replica() -> None:
    """A group that wants fewer than the extras wants them; a sleeping one wants none."""
    assert wanted(MODEL.settings, slot(desired=1).spot) == 1
    assert size(slot(desired=1)) == 1
    assert size(slot(desired=0)) == 0


def test_failed_launches_and_losses_make_the_market_scarce() -> None:
    """The longest hold is in force while both zones failed lately; a mistake in a template isn't scarcity."""
    failed = [
        Activity(
            launch=True,
            began=NOW - 60,
            ended=NOW - 60,
            failed=True,
            zone=zone,
            message="Could not launch Spot Instances. InsufficientInstanceCapacity - There is no capacity.",
        )
        for zone in MODEL.zones
    ]
    spot = [replica(number) for number in (1, 2, 3)]
    young = [launched(number, began=NOW - 900, ended=NOW - 700) for number in (1, 2, 3)]
    assert size(slot(*spot, on_demand=3, activities=young)) == 0
    assert size(slot(*spot, on_demand=3, activities=[*young, *failed])) == 3
    mistakes = [replace(each, message="InvalidParameterValue - no such AMI") for each in failed]
    assert size(slot(*spot, on_demand=3, activities=[*young, *mistakes])) == 0


def test_a_loss_without_notice_counts_once() -> None:
    """The group finds it out; it is one interruption, however many types its zone has."""
    cause = (
        "taken out of service in response to an EC2 health check indicating it has been terminated or stopped"
    )
    loss = Activity(
        launch=False,
        began=NOW - 5,
        ended=NOW - 1,
        failed=False,
        instance="i-9",
        zone="us-east-1a",
        cause=cause,
    )
    assert [event.pool for event in observe(MODEL, slot(activities=[loss])).interruptions] == [POOL]
    told = Notice("i-9", POOL, NOW - 60)
    assert len(observe(MODEL, slot(activities=[loss], notices=[told])).interruptions) == 1


def test_a_pool_of_an_earlier_file_still_counts() -> None:
    """A replica in a zone that the file no longer names serves as well as any."""
    elsewhere = [replica(number, pool="us-east-1z/old.type") for number in (1, 2, 3)]
    assert size(slot(*elsewhere)) == 0


@given(
    ready=st.integers(0, 7),
    pending=st.integers(0, 7),
    on_demand=st.integers(0, 6),
    desired=st.integers(0, 7),
    rolling=st.booleans(),
)
def test_the_groups_bounds_are_kept(
    ready: int, pending: int, on_demand: int, desired: int, rolling: bool
) -> None:
    """Whatever is seen, the size is one that AWS accepts, and a second look changes nothing."""
    spot = [replica(number) for number in range(ready)]
    spot += [replica(10 + number, in_service=False) for number in range(pending)]
    seen = slot(*spot, desired=desired, on_demand=on_demand, rolling=rolling)
    after = size(seen)
    assert 0 <= after <= 6
    again = replace(seen, on_demand=replace(seen.on_demand, desired=after))
    assert size(again) == after


@dataclass
class FakeCloud:
    """Records; `slots` without an entry fail to be read."""

    slots: dict[str, LiveSlot | None]
    told: list[tuple[str, ...]] = field(default_factory=list)

    def models(self) -> Sequence[GuardedModel]:
        """The broken one first."""
        return [replace(MODEL, name=name) for name in ("broken", "new", "chat")]

    def live(self, model: str, since: float) -> LiveSlot | None:
        """As given."""
        return self.slots[model]

    def resize(self, group: str, desired: int) -> None:
        """Note it."""
        self.told.append((group, str(desired)))

    def stand_by(self, group: str, count: int) -> None:
        """Note it."""
        self.told.append(("stand by", group, str(count)))

    def record(self, action: str, model: str, result: str) -> None:
        """Note it."""
        self.told.append((action, model, result))


@dataclass
class FakeClock:
    """Stands still; what happens meanwhile is told."""

    meanwhile: Callable[[], None] = lambda: None
    slept: list[float] = field(default_factory=list)

    def time(self) -> float:
        """Always the same."""
        return NOW

    def sleep(self, seconds: float) -> None:
        """Note it."""
        self.slept.append(seconds)
        self.meanwhile()


def test_a_group_has_a_moment_to_act_by_itself() -> None:
    """What a group was just asked for, or just lost, it launches in seconds: nothing is bought then."""
    cloud = FakeCloud({"broken": None, "new": None, "chat": slot(replica(1))})
    coming = slot(replica(1), replica(2, in_service=False), replica(3, in_service=False))
    clock = FakeClock(lambda: cloud.slots.update(chat=coming))
    Guardian(cloud, clock).look()
    assert (cloud.told, len(clock.slept)) == ([], 1)


def test_what_is_given_back_waits_for_nothing() -> None:
    """Only additions are looked at twice."""
    enough = slot(*(replica(number) for number in range(4)), on_demand=2)
    cloud, clock = FakeCloud({"broken": None, "new": None, "chat": enough}), FakeClock()
    Guardian(cloud, clock).look()
    assert cloud.told[0] == ("on-demand", "0")
    assert clock.slept == []


def test_one_models_trouble_is_not_anothers() -> None:
    """All are looked after, changes are journalled with their reason, and the failure is told in the end."""
    cloud = FakeCloud({"new": None, "chat": slot(replica(1))})
    with pytest.raises(LlmctlError, match="broken"):
        Guardian(cloud, FakeClock()).look()
    assert cloud.told == [
        ("on-demand", "2"),
        (
            "on demand added",
            "chat",
            "on-demand: 0 to 2: 1 of 3 spot replicas ready, 0 coming; base 0",
        ),
    ]


def test_the_table_carries_a_model_unchanged() -> None:
    """What Terraform writes is what the function reads."""
    assert GuardedModel.from_json(MODEL.to_json()) == MODEL


def test_the_live_slot_alone_has_instances_that_stand_by() -> None:
    """Another slot's were prepared for a release that is no longer live: they go before it gets a new one."""
    model = replace(MODEL, standby=2)
    seen = slot(*(replica(number) for number in range(4)))
    idle = replace(seen.on_demand, name="idle")
    assert standbys(model, replace(seen, idle=(idle,))) == (("on-demand", 2),)
    pooled = replace(seen, on_demand=replace(seen.on_demand, standby=2))
    assert standbys(model, replace(pooled, idle=(replace(idle, standby=2),))) == (("idle", 0),)
    assert standbys(model, pooled) == ()
    assert standbys(MODEL, pooled) == (("on-demand", 0),)


def test_a_warm_pool_is_set_and_told() -> None:
    """In the audit log, as every change."""
    enough = slot(*(replica(number) for number in range(4)))
    pooled = replace(enough, idle=(replace(enough.on_demand, name="idle", standby=1),))
    cloud = FakeCloud({"broken": None, "new": None, "chat": pooled})
    Guardian(cloud, FakeClock()).look()
    assert cloud.told == [("stand by", "idle", "0"), ("standby", "chat", "idle: 0 stopped instances")]


def test_a_pool_that_is_refused_keeps_nothing_from_being_added() -> None:
    """AWS may not offer warm pools for a group: the fallback is there all the same, the failure is told."""
    pooled = slot(replica(1))
    idle = replace(pooled.on_demand, name="idle", standby=1)
    cloud = Refusing({"broken": None, "new": None, "chat": replace(pooled, idle=(idle,))})
    with pytest.raises(LlmctlError, match="chat"):
        Guardian(cloud, FakeClock()).look()
    assert ("on-demand", "2") in cloud.told


class Refusing(FakeCloud):
    """Knows no warm pools."""

    def stand_by(self, group: str, count: int) -> None:
        """Refused."""
        raise LlmctlError("no warm pools here")
