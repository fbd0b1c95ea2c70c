"""The driver: what it sees, when it stops, how it bears errors, and what it leaves behind."""

from dataclasses import replace

import pytest

from infra.environment.slots import Slot
from infra.errors import ExitCode, LlmctlError, Refused
from infra.rollout.controller import drive, look
from infra.rollout.errors import HeldError
from infra.rollout.ports import Lease
from infra.rollout.types import Asked, Cause, Mutation, Phase, Progress, SetWeights, Status, Step
from tests.fakes.rollout import FakeWorld, a_plan, fake_world, spot_group
from tests.unit.rollout.stories import BROKEN, ask, quick, run, unseen


class EnoughError(Exception):
    """The test has seen enough."""


def until_it_bakes(world: FakeWorld, step: int = 0) -> None:
    """Drive until the weight of a step is set; nobody drives it then."""

    def watch(progress: Progress) -> None:
        if progress.status.phase is Phase.BAKING and progress.status.step == step:
            raise EnoughError

    with pytest.raises(EnoughError):
        drive(world, "first@host 1", watch=watch)


def throttled(times: int, code: ExitCode = ExitCode.FAILED) -> list[LlmctlError]:
    """Errors that pass."""
    return [LlmctlError("AWS is busy", code=code) for _ in range(times)]


def test_a_healthy_release_is_promoted_and_the_old_one_kept_warm() -> None:
    """All traffic and the record go to the new release, and the lease is given back."""
    world = fake_world()
    status = run(world)
    assert status.phase is Phase.KEEPING
    assert world.cluster.weights == {Slot.BLUE: 0, Slot.GREEN: 100}
    assert world.cluster.live is Slot.GREEN
    assert world.journal.current
    assert world.journal.current.lease is None


def test_a_release_with_errors_goes_back_at_the_first_step() -> None:
    """The verdict that failed is in the status, and no more than the first step's share ever met it."""
    world = fake_world(new=BROKEN)
    status = run(world)
    assert (status.phase, status.cause) == (Phase.ROLLED_BACK, Cause.GATE)
    assert [verdict.gate for verdict in status.failed] == ["error_rate"]
    shifts = [call for call in world.traffic.calls if isinstance(call, SetWeights)]
    assert [shift.weights[Slot.GREEN] for shift in shifts] == [5, 0]


def test_the_way_back_is_fast() -> None:
    """From the first failing judgement to no traffic for the new release: no waiting in between."""
    world = fake_world(new=BROKEN)
    run(world)
    [failed, *_] = [
        entry for entry in world.journal.of_kind("judged") if any(v.answer == "fail" for v in entry.verdicts)
    ]
    outcomes = [each for each in world.journal.of_kind("outcome") if "blue 100, green 0" in each.text]
    assert outcomes[0].at - failed.at <= 1.0


def test_without_bakes_only_cold_starts_take_time() -> None:
    """Four steps over warm capacity are driven without pauses."""
    steps = tuple(Step(weight=weight, bake=0.0) for weight in (5, 25, 50, 100))
    world = fake_world(a_plan(steps=steps, gates=()))
    began, starts = world.clock.time(), 3
    run(world)
    # 1, 2 and 3 more spot replicas: each start takes a minute, then a look every other second.
    assert world.clock.time() - began <= starts * (60.0 + 2.0) + 5.0


def test_every_change_is_announced_before_and_recorded_after() -> None:
    """The journal tells each mutation twice, in the order in which it happened."""
    world = fake_world()
    run(world)
    told = [entry for entry in world.journal.entries() if entry.kind in ("intent", "outcome")]
    assert len(told) == 2 * world.changes
    for intent, outcome in zip(told[::2], told[1::2], strict=True):
        assert (intent.kind, outcome.kind) == ("intent", "outcome")
        assert outcome.text == f"{intent.text}: done"


def test_judgements_are_written_when_they_change_or_rarely() -> None:
    """A long bake under steady gates leaves one line each half minute."""
    world = fake_world(a_plan(steps=(Step(weight=50, bake=300.0), Step(weight=100, bake=10.0))))
    until_it_bakes(world)
    before = len(world.journal.of_kind("judged"))
    run(world, "second@host 2", deadline=world.clock.time() + 240.0)
    assert len(world.journal.of_kind("judged")) - before <= 240 / 30 + 2


def test_samples_from_before_the_weights_arrived_do_not_count() -> None:
    """Windows begin a few seconds after the shift, where the balancer takes time to carry weights."""
    world = fake_world(quick(propagation=60.0))
    until_it_bakes(world)
    shifted = world.status.shifted_at
    assert shifted is not None
    run(world, "second@host 2", deadline=shifted + 10.0)
    assert world.metrics
    assert world.metrics.windows
    assert all(window.since == shifted + 5.0 for window in world.metrics.windows)


def test_unreadable_metrics_never_promote() -> None:
    """The rollout waits out its patience without verdicts, pauses, and says once what it could not read."""
    world = fake_world(quick(patience=60.0))
    assert world.metrics
    world.metrics.fail_next = throttled(10_000)
    status = run(world)
    assert (status.phase, status.cause) == (Phase.PAUSED, Cause.INCONCLUSIVE)
    notes = [entry for entry in world.journal.of_kind("note") if "metrics can't be read" in entry.text]
    assert len(notes) == 1


def test_without_metrics_nothing_is_promoted() -> None:
    """A driver that can't measure must not take that for a pass."""
    world = fake_world(quick(patience=60.0), judged=False)
    assert run(world).phase is Phase.PAUSED


def test_metrics_that_come_back_are_enough() -> None:
    """A minute without figures delays a step and changes nothing else."""
    world = fake_world(quick())
    assert world.metrics
    world.metrics.fail_next = throttled(10)
    assert run(world).phase is Phase.DONE


@pytest.mark.parametrize("port", ["traffic", "fleet", "records"])
def test_a_world_that_can_not_be_read_for_a_while_is_waited_for(port: str) -> None:
    """Reads that fail for a minute hold the rollout, and then it goes on."""
    world = fake_world(quick())
    until_it_bakes(world)
    getattr(world, port).fail_reads = throttled(5)
    assert run(world, "second@host 2").phase is Phase.DONE


def test_a_world_that_stays_unreadable_ends_the_driver_and_holds_the_rollout() -> None:
    """After minutes of errors the driver gives up with the error; nothing was changed, the lease is free."""
    world = fake_world(quick())
    until_it_bakes(world)
    changes, began = world.changes, world.clock.time()
    world.traffic.fail_reads = throttled(10_000)
    with pytest.raises(LlmctlError, match="AWS is busy"):
        run(world, "second@host 2")
    assert world.changes == changes
    assert 290.0 <= world.clock.time() - began <= 330.0
    assert world.journal.current
    assert world.journal.current.lease is None


def test_missing_rights_are_not_tried_again() -> None:
    """What can't pass by itself ends the driver at once."""
    world = fake_world(quick())
    world.fleet.fail_next = [Refused("not allowed")]
    began = world.clock.time()
    with pytest.raises(Refused, match="not allowed"):
        run(world)
    assert world.clock.time() == began
    assert world.journal.of_kind("outcome")[0].text.endswith("failed: not allowed")


def test_a_failing_change_is_told_and_tried_again() -> None:
    """Two throttled calls cost seconds and two lines of the journal."""
    world = fake_world(quick())
    world.fleet.fail_next = throttled(2)
    assert run(world).phase is Phase.DONE
    outcomes = [entry.text for entry in world.journal.of_kind("outcome")]
    assert sum("failed: AWS is busy" in text for text in outcomes) == 2


def test_a_lost_answer_is_no_second_change() -> None:
    """A change whose answer was lost is found done, and not made again."""
    world = fake_world(quick())
    until_it_bakes(world)
    world.traffic.fail_next = throttled(1, ExitCode.OUTCOME_UNKNOWN)
    world.traffic.lose_answer = True
    assert run(world, "second@host 2").phase is Phase.DONE
    weights = [call.weights[Slot.GREEN] for call in world.traffic.calls if isinstance(call, SetWeights)]
    assert weights == [5, 25, 50, 100]
    assert any("unknown: AWS is busy" in entry.text for entry in world.journal.of_kind("outcome"))


def test_stale_reads_do_not_fill_the_journal() -> None:
    """While reads lag behind, a change is repeated every few seconds at most."""
    world = fake_world(quick(steps=(Step(weight=50, bake=12.0), Step(weight=100, bake=12.0))))
    world.traffic.stale_for = 12.0
    assert run(world).phase is Phase.DONE
    assert len(world.traffic.calls) <= 2 * 3


def test_weights_changed_by_hand_stop_the_driver() -> None:
    """Somebody else's weights are left alone, with exit code 3 and a note."""
    world = fake_world(quick())
    until_it_bakes(world)
    world.cluster.weights = {Slot.BLUE: 60, Slot.GREEN: 40}
    changes = world.changes
    with pytest.raises(LlmctlError, match="somebody else changed") as raised:
        run(world, "second@host 2")
    assert raised.value.code is ExitCode.CONFLICT
    assert world.changes == changes
    assert any("stopped" in entry.text for entry in world.journal.of_kind("note"))


def test_a_wish_is_seen_within_a_second() -> None:
    """Pausing takes effect while a wait of seconds goes on."""
    world = fake_world(quick())
    world.clock.at(world.clock.time() + 20.5, lambda: ask(world, Asked.PAUSE))
    run(world, deadline=world.clock.time() + 60.0)
    [paused] = [each for each in world.journal.of_kind("phase") if each.text == Phase.PAUSED.value]
    [asked] = world.journal.of_kind("request")
    assert paused.at - asked.at <= 1.0


def test_an_interrupted_driver_lets_go_at_once() -> None:
    """Ctrl-C leaves the rollout where it is, free for the next driver."""

    def interrupted(progress: Progress) -> None:
        if progress.status.phase is Phase.SCALING:
            raise KeyboardInterrupt

    world = fake_world()
    with pytest.raises(KeyboardInterrupt):
        drive(world, "first@host 1", watch=interrupted)
    assert world.journal.current
    assert world.journal.current.lease is None


def test_a_deadline_ends_the_driver_where_it_is() -> None:
    """A function with little time drives for so long, and returns the phase it reached."""
    world = fake_world(quick())
    began = world.clock.time()
    status = run(world, deadline=began + 10.0)
    assert status.phase is Phase.SCALING
    assert world.clock.time() - began <= 11.0
    assert run(world, "second@host 2").phase is Phase.DONE


def test_a_living_driver_is_not_overtaken() -> None:
    """Who renews its lease keeps it; the other one is told who drives."""
    world = fake_world()
    lease = world.journal.acquire("first@host 1", 60.0)

    def renewed() -> None:
        nonlocal lease
        lease = world.journal.renew(lease, 60.0)

    world.clock.at(world.clock.time() + 10.0, renewed)
    with pytest.raises(HeldError, match="first@host 1"):
        run(world, "second@host 2")
    assert world.changes == 0


def test_a_dead_drivers_lease_is_waited_for() -> None:
    """Over a lease that nobody renews, the next driver begins as soon as it has run out."""
    world = fake_world(quick())
    world.journal.acquire("first@host 1", 60.0)
    began = world.clock.time()
    assert run(world, "second@host 2").phase is Phase.DONE
    taken = world.journal.of_kind("lease")[1]
    assert 60.0 <= taken.at - began <= 61.0


def test_an_ended_rollout_needs_no_driver() -> None:
    """Driving what has ended changes nothing, not even the lease."""
    world = fake_world(quick())
    run(world)
    story = world.journal.entries()
    assert run(world, "second@host 2").phase is Phase.DONE
    assert world.journal.entries() == story


def test_a_kept_release_is_drained_when_its_time_is_over() -> None:
    """Driving on after `keep_previous` empties the old slot."""
    world = fake_world(quick(keep_previous=600.0))
    assert run(world).phase is Phase.KEEPING
    world.clock.sleep(601.0)
    assert run(world, "watchdog").phase is Phase.DONE


def test_only_own_healthy_staying_replicas_count() -> None:
    """Replicas of another release, and leaving ones, carry no weight."""
    world = fake_world()
    progress = look(world, world.clock.time())
    assert progress
    assert progress.seen
    assert progress.seen.healthy == {Slot.BLUE: 5, Slot.GREEN: 0}
    world.fleet.resize(spot_group(Slot.BLUE), minimum=3, desired=3)
    world.cluster.advance(0.0)
    world.cluster.instances[-1].release = 7
    progress = look(world, world.clock.time())
    assert progress
    assert progress.seen
    assert progress.seen.healthy[Slot.BLUE] == 3
    assert progress.seen.replicas[Slot.BLUE] == 5


def test_a_slow_announcement_is_not_followed_by_a_change() -> None:
    """When renewing the lease after an announcement takes long, reality is looked at again first."""
    world = fake_world(quick())
    renew = world.journal.renew
    slow = [True]

    def slowly(lease: Lease, seconds: float) -> Lease:
        kept = renew(lease, seconds)
        if world.journal.current and world.journal.current.intent and slow:
            slow.pop()
            world.clock.sleep(20.0)
        return kept

    def intend(lease: Lease, mutation: Mutation) -> None:
        announce(lease, mutation)
        world.clock.sleep(12.0 if slow else 0.0)

    announce = world.journal.intend
    world.journal.renew = slowly  # type: ignore[method-assign]
    world.journal.intend = intend  # type: ignore[method-assign]
    assert run(world).phase is Phase.DONE
    assert "not made: announcing it took too long" in world.journal.of_kind("outcome")[0].text


def test_looking_needs_no_lease() -> None:
    """Watchers see the driver's name and its last verdicts, and change nothing."""
    world = fake_world(quick())
    until_it_bakes(world)
    run(world, "second@host 2", deadline=world.clock.time() + 8.0)
    world.journal.acquire("third@host 3", 60.0)
    story = world.journal.entries()
    progress = look(world, world.clock.time())
    assert progress
    assert progress.seen
    assert (progress.driver, progress.decision) == ("third@host 3", None)
    assert "error_rate" in [verdict.gate for verdict in progress.seen.verdicts]
    assert world.journal.entries() == story


def test_looking_at_an_unreadable_world_tells_the_journals_part() -> None:
    """What is recorded is shown even while AWS can't be read."""
    world = fake_world()
    world.traffic.fail_reads = throttled(1)
    progress = look(world, world.clock.time())
    assert progress
    assert progress.seen is None
    assert progress.status.phase is Phase.PREPARING


def test_a_model_without_rollouts_has_nothing_to_drive() -> None:
    """Looking finds nothing; driving says so."""
    world = fake_world()
    world.journal.current = None
    assert look(world, world.clock.time()) is None
    with pytest.raises(LlmctlError, match="no rollout"):
        drive(world, "first@host 1", watch=unseen)


def test_a_market_without_capacity_gives_up_with_traffic_untouched() -> None:
    """The new release never gets a request, and the rollout ends by the deadline."""
    world = fake_world(a_plan(capacity_timeout=120.0))
    world.cluster.capacity = False
    status = run(world)
    assert (status.phase, status.cause) == (Phase.ROLLED_BACK, Cause.CAPACITY)
    assert not world.traffic.calls


def test_a_later_rollout_is_not_touched_by_an_earlier_driver() -> None:
    """A driver that wakes up in another rollout stops: its lease is gone."""
    world = fake_world(quick())
    changes: list[int] = []

    def replaced(progress: Progress) -> None:
        if progress.status.phase is Phase.SCALING:
            assert world.journal.current
            done = Status(phase=Phase.DONE, since=world.clock.time())
            world.journal.current = replace(world.journal.current, status=done)
            world.journal.begin(a_plan(id="20261122T130000Z-bbbb"), Status(phase=Phase.PREPARING, since=0.0))
            changes.append(world.changes)

    with pytest.raises(LlmctlError, match="another driver took over"):
        drive(world, "first@host 1", watch=replaced)
    assert changes == [world.changes]
