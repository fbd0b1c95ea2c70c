"""The watchdog over rollouts in memory, whose drivers are gone."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from infra.environment.slots import Slot
from infra.errors import LlmctlError
from infra.rollout.controller import drive
from infra.rollout.errors import HeldError
from infra.rollout.ports import World
from infra.rollout.types import Asked, Cause, Phase, Progress, Request
from infra.watchdog.watchdog import Watchdog
from tests.fakes.rollout import FakeWorld, a_plan, fake_world

BUDGET = 45.0
MINUTE = 60.0
PLAN = a_plan(watchdog=900.0, keep_previous=1800.0, gates=())


def left_at(phase: Phase, *, weight: int = 0) -> FakeWorld:
    """A healthy rollout whose driver was interrupted in a phase, at a weight."""
    world = fake_world(PLAN)

    def watch(progress: Progress) -> None:
        if (progress.status.phase, progress.status.weight) == (phase, weight):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive(world, "ann@laptop 1", watch=watch)
    return world


def watchdog(*worlds: FakeWorld) -> Watchdog:
    """The watchdog of models with these rollouts, named by their numbers; it measures nothing."""
    by_name = {str(number): replace(world, metrics=None) for number, world in enumerate(worlds)}
    get: Callable[[str], World] = by_name.__getitem__
    return Watchdog(models=lambda: tuple(by_name), world=get, clock=worlds[0].clock, holder="watchdog 1")


def look_each_minute(world: FakeWorld, times: int = 10) -> None:
    """As the schedule does."""
    for _ in range(times):
        began = world.clock.time()
        watchdog(world).look(BUDGET)
        world.clock.sleep(max(0.0, MINUTE - (world.clock.time() - began)))


@pytest.mark.parametrize(
    ("phase", "weight"),
    [(Phase.SCALING, 0), (Phase.BAKING, 5), (Phase.BAKING, 25), (Phase.SHIFTING, 50), (Phase.BAKING, 100)],
)
def test_a_silent_rollout_goes_back(phase: Phase, weight: int) -> None:
    """A closed laptop never leaves a canary: all traffic is the old release's again, the new one is gone."""
    world = left_at(phase, weight=weight)
    world.clock.sleep(PLAN.watchdog)
    look_each_minute(world)
    assert (world.status.phase, world.status.cause) == (Phase.ROLLED_BACK, Cause.WATCHDOG)
    assert world.cluster.weights == {Slot.BLUE: 100, Slot.GREEN: 0}
    assert world.cluster.live is Slot.BLUE
    assert not world.cluster.of(Slot.GREEN)


def test_a_driver_has_time_to_come_back() -> None:
    """Nothing is written or changed before the plan's patience is over."""
    world = left_at(Phase.BAKING, weight=25)
    before, changes = world.journal.current, world.changes
    world.clock.sleep(PLAN.watchdog - 5 * MINUTE)
    look_each_minute(world, times=4)
    assert (world.journal.current, world.changes) == (before, changes)


def test_the_old_release_is_given_up_in_time() -> None:
    """Nobody waits half an hour at a terminal: what is kept warm is drained, and that is no abort."""
    world = fake_world(PLAN)
    assert drive(world, "ann@laptop 1", watch=lambda _: None).phase is Phase.KEEPING
    world.clock.sleep(PLAN.keep_previous - 5 * MINUTE)
    look_each_minute(world, times=4)
    assert world.status.phase is Phase.KEEPING
    look_each_minute(world, times=5)
    assert (world.status.phase, world.status.cause) == (Phase.DONE, None)
    assert not world.cluster.of(Slot.BLUE)


def test_a_pause_is_a_persons_word() -> None:
    """However long it lasts, a paused rollout stays where it is."""
    world = left_at(Phase.BAKING, weight=25)
    world.journal.ask(Request(id="p", asked=Asked.PAUSE, by="ann", at=world.clock.time()))

    def watch(progress: Progress) -> None:
        if progress.status.phase is Phase.PAUSED:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive(world, "ann@laptop 2", watch=watch)
    world.clock.sleep(100 * PLAN.watchdog)
    look_each_minute(world, times=2)
    assert (world.status.phase, world.cluster.weights[Slot.GREEN]) == (Phase.PAUSED, 25)


def test_an_invocation_keeps_its_budget() -> None:
    """A function that waited for a cold start would be killed: the next invocation goes on instead."""
    world = left_at(Phase.BAKING, weight=100)
    for group in [group for group in world.cluster.groups.values() if group.slot is Slot.BLUE]:
        world.fleet.resize(group.name, minimum=0, desired=0)
    world.clock.sleep(PLAN.watchdog)
    began = world.clock.time()
    watchdog(world).look(BUDGET)
    assert BUDGET <= world.clock.time() - began < BUDGET + 5
    phases = [world.status.phase]
    look_each_minute(world)
    assert [*phases, world.status.phase] == [Phase.RESTORING, Phase.ROLLED_BACK]


def test_two_rollouts_share_the_time() -> None:
    """One that waits for replicas doesn't keep the other waiting."""
    slow, quick = left_at(Phase.BAKING, weight=100), left_at(Phase.BAKING, weight=25)
    for group in [group for group in slow.cluster.groups.values() if group.slot is Slot.BLUE]:
        slow.fleet.resize(group.name, minimum=0, desired=0)
    slow.cluster.capacity = False
    for world in (slow, quick):
        world.clock.sleep(PLAN.watchdog)
    quick.clock.sleep(slow.clock.time() - quick.clock.time())
    began = slow.clock.time()
    watchdog(slow, quick).look(BUDGET)
    assert slow.clock.time() - began < BUDGET / 2 + 5
    assert quick.cluster.weights == {Slot.BLUE: 100, Slot.GREEN: 0}


def test_trouble_with_one_is_told_and_contained() -> None:
    """The other model goes back all the same; that the function failed is seen in its metrics."""
    broken, other = left_at(Phase.BAKING, weight=25), left_at(Phase.BAKING, weight=25)
    for world in (broken, other):
        world.clock.sleep(PLAN.watchdog)
    broken.journal.fail_next["read"] = [LlmctlError("the table is gone")]
    with pytest.raises(LlmctlError, match="failed to look after the rollout of 0"):
        watchdog(broken, other).look(BUDGET)
    assert other.cluster.weights == {Slot.BLUE: 100, Slot.GREEN: 0}


def test_a_driver_that_came_back_wins() -> None:
    """Between the look and the abort somebody may take the lease: nothing is asked for, and nobody fails."""
    world = left_at(Phase.BAKING, weight=25)
    world.clock.sleep(PLAN.watchdog)
    world.journal.fail_next["acquire"] = [HeldError("chat", "ann@laptop 2", 60.0)]
    before, changes = world.journal.current, world.changes
    watchdog(world).look(BUDGET)
    assert (world.journal.current, world.changes) == (before, changes)
