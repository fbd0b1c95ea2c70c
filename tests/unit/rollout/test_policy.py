"""Each decision that people rely on, one by one; `test_invariants` tries their order."""

from dataclasses import replace

import pytest

from infra.environment.slots import Market, Slot
from infra.rollout.policy import decide
from infra.rollout.types import (
    Act,
    Answer,
    Asked,
    Cause,
    Decision,
    Enter,
    Halt,
    MakeLive,
    MoveSchedules,
    Phase,
    Pin,
    Request,
    Resize,
    SetWeights,
    Size,
    Step,
    Verdict,
    Wait,
)
from tests.fakes.cluster import COLD_START, Cluster, a_plan

_MOVES = 400


def verdict(answer: Answer, gate: str = "error_rate") -> Verdict:
    """What a gate says."""
    return Verdict(
        gate=gate, answer=answer, new=3.0, old=1.0, limit=1.5, samples=99, unit="percent", why="3 against 1"
    )


def decision(cluster: Cluster) -> Decision:
    """The next move in this world."""
    return decide(cluster.plan, cluster.status, cluster.observe(), cluster.now)


def ask(cluster: Cluster, asked: Asked, by: str = "ann@host") -> None:
    """Leave a wish."""
    cluster.request = Request(id=f"{asked}-{cluster.now}", asked=asked, by=by, at=cluster.now)


def drive(cluster: Cluster, until: Phase, *, weight: int | None = None) -> list[Decision]:
    """Carry out decisions until a phase (at a weight) is reached; all of them."""
    made: list[Decision] = []
    for _ in range(_MOVES):
        if cluster.status.phase is until and weight in (None, cluster.status.weight):
            return made
        made.append(decision(cluster))
        cluster.apply(made[-1])
        cluster.advance(5.0 if isinstance(made[-1], Wait) else 0.1)
    raise AssertionError(f"{until} is not reached: {cluster.status}")


def passing() -> Cluster:
    """A rollout whose gates pass whenever they are asked."""
    cluster = Cluster(a_plan())
    cluster.verdicts = (verdict(Answer.PASS),)
    return cluster


def shifts(made: list[Decision], slot: Slot = Slot.GREEN) -> list[int]:
    """Weights that a slot was given."""
    return [
        each.mutation.weights[slot]
        for each in made
        if isinstance(each, Act) and isinstance(each.mutation, SetWeights)
    ]


def test_a_good_release_takes_over_step_by_step() -> None:
    """Every weight of the plan in its order, then the records, and at last the old slot is empty."""
    cluster = passing()
    made = drive(cluster, Phase.DONE)
    assert shifts(made) == [5, 25, 50, 100]
    assert cluster.live is Slot.GREEN
    assert not cluster.of(Slot.BLUE)


def test_the_old_slot_cannot_shrink_while_it_may_be_needed() -> None:
    """A scaling policy can't take replicas of the old slot, from the beginning until it is drained."""
    cluster = passing()
    drive(cluster, Phase.BAKING, weight=50)
    cluster.scale(Slot.BLUE, -3)
    cluster.advance(60)
    assert cluster.healthy(Slot.BLUE) == 5
    drive(cluster, Phase.KEEPING)
    assert cluster.healthy(Slot.BLUE) == 5


def test_no_weight_without_the_replicas_for_it() -> None:
    """The load balancer is told a weight only when what carries it is healthy."""
    cluster = passing()
    wanted = {5: 1, 25: 2, 50: 3, 100: 5}
    for _ in range(_MOVES):
        made = decision(cluster)
        if isinstance(made, Act) and isinstance(made.mutation, SetWeights):
            assert cluster.healthy(Slot.GREEN) >= wanted[made.mutation.weights[Slot.GREEN]]
        cluster.apply(made)
        cluster.advance(5.0 if isinstance(made, Wait) else 0.1)
    assert cluster.status.phase is Phase.DONE


def test_the_next_steps_replicas_start_while_this_one_bakes() -> None:
    """A cold start isn't waited for at each step."""
    cluster = passing()
    drive(cluster, Phase.BAKING, weight=25)
    drive(cluster, Phase.SCALING)
    assert len(cluster.of(Slot.GREEN)) == 3


def test_a_failing_gate_sends_everything_back() -> None:
    """At once, whatever of the bake is left, with the gate's name and numbers in the records."""
    cluster = passing()
    drive(cluster, Phase.BAKING, weight=25)
    cluster.verdicts = (verdict(Answer.FAIL),)
    began = cluster.now
    made = drive(cluster, Phase.CLEARING)
    assert cluster.now - began < 5
    assert shifts(made) == [0]
    assert cluster.status.cause is Cause.GATE
    assert cluster.status.failed == cluster.verdicts
    drive(cluster, Phase.ROLLED_BACK)
    assert not cluster.of(Slot.GREEN)


def test_no_data_is_neither_good_nor_bad() -> None:
    """Without samples a step is held for the plan's patience, then a person is asked."""
    cluster = Cluster(a_plan())
    cluster.verdicts = (verdict(Answer.INCONCLUSIVE),)
    drive(cluster, Phase.BAKING)
    began = cluster.now
    drive(cluster, Phase.PAUSED)
    assert cluster.now - began >= 30 + 60
    assert cluster.status.cause is Cause.INCONCLUSIVE
    assert cluster.weights[Slot.GREEN] == 5


@pytest.mark.parametrize(("choice", "end"), [("advance", Phase.DONE), ("rollback", Phase.ROLLED_BACK)])
def test_the_file_may_choose_what_too_few_samples_mean(choice: str, end: Phase) -> None:
    """`inconclusive: advance` goes on, `rollback` goes back, both only after the patience."""
    cluster = Cluster(a_plan(inconclusive=choice))
    cluster.verdicts = (verdict(Answer.INCONCLUSIVE),)
    drive(cluster, end)


def test_a_share_that_does_not_fit_never_advances() -> None:
    """A balancer that doesn't carry the weight is waited for, then the rollout goes back: nobody fails it."""
    cluster = Cluster(a_plan(inconclusive="advance"))
    cluster.verdicts = (verdict(Answer.PASS), verdict(Answer.FAIL, "share"))
    made = drive(cluster, Phase.ROLLED_BACK)
    assert shifts(made) == [5, 0]
    assert cluster.status.cause is Cause.INCONCLUSIVE


def test_a_share_that_cannot_be_told_is_no_obstacle() -> None:
    """A model that only golden prompts use can be judged: they go past the weights."""
    cluster = Cluster(a_plan())
    cluster.verdicts = (verdict(Answer.PASS), verdict(Answer.INCONCLUSIVE, "share"))
    drive(cluster, Phase.KEEPING)


def test_without_capacity_traffic_stays_untouched() -> None:
    """New replicas that never come are given up after the deadline; the weights were never changed."""
    cluster = passing()
    cluster.capacity = False
    made = drive(cluster, Phase.ROLLED_BACK)
    assert shifts(made) == []
    assert cluster.status.cause is Cause.CAPACITY


def test_weights_changed_by_hand_stop_it() -> None:
    """Nothing is touched any more, and the text says what was found and what was set."""
    cluster = passing()
    drive(cluster, Phase.BAKING, weight=25)
    cluster.weights = {Slot.BLUE: 40, Slot.GREEN: 60}
    made = decision(cluster)
    assert isinstance(made, Halt)
    assert "blue 40, green 60" in made.why
    assert "blue 75, green 25" in made.why


def test_abort_works_whatever_a_hand_did() -> None:
    """Going back is possible from any split."""
    cluster = passing()
    drive(cluster, Phase.BAKING, weight=25)
    cluster.weights = {Slot.BLUE: 40, Slot.GREEN: 60}
    ask(cluster, Asked.ABORT)
    assert shifts(drive(cluster, Phase.ROLLED_BACK)) == [0]


def test_an_old_answer_of_the_api_is_no_foreign_hand() -> None:
    """Right after a shift a read may still tell the weights of before."""
    cluster = passing()
    drive(cluster, Phase.BAKING, weight=25)
    cluster.weights = {Slot.BLUE: 95, Slot.GREEN: 5}
    assert not isinstance(decision(cluster), Halt)
    cluster.now += 61
    assert isinstance(decision(cluster), Halt)


def test_nothing_is_recorded_live_before_its_schedules_were_looked_at() -> None:
    """By an old answer the old slot still has traffic: then nobody looked whether it has schedules."""
    cluster = Cluster(a_plan(steps=(Step(weight=50, bake=0.0), Step(weight=100, bake=0.0))))
    drive(cluster, Phase.BAKING, weight=100)
    cluster.weights = {Slot.BLUE: 50, Slot.GREEN: 50}
    assert isinstance(decision(cluster), Wait)
    cluster.weights = {Slot.BLUE: 0, Slot.GREEN: 100}
    made = drive(cluster, Phase.KEEPING)
    assert [each.mutation for each in made if isinstance(each, Act)][:2] == [
        MoveSchedules(slot=Slot.GREEN),
        MakeLive(slot=Slot.GREEN, release=2),
    ]


def test_a_model_without_schedules_is_recorded_at_once() -> None:
    """There is nothing to move, and no call is made for it."""
    cluster = passing()
    drive(cluster, Phase.BAKING, weight=100)
    cluster.scheduled = None
    made = drive(cluster, Phase.KEEPING)
    assert not [each for each in made if isinstance(each, Act) and isinstance(each.mutation, MoveSchedules)]


def test_a_rollback_from_keeping_takes_one_call() -> None:
    """The old slot is warm: no replica has to start, and what follows the live slot comes after."""
    cluster = passing()
    drive(cluster, Phase.KEEPING)
    ask(cluster, Asked.ABORT)
    made = drive(cluster, Phase.CLEARING)
    mutations = [each.mutation for each in made if isinstance(each, Act)]
    assert [type(mutation) for mutation in mutations] == [SetWeights, MoveSchedules, MakeLive]
    assert cluster.weights == {Slot.BLUE: 100, Slot.GREEN: 0}


def test_a_rollback_waits_for_the_replicas_that_were_given_up() -> None:
    """A slot that was drained gets its replicas before it gets the traffic, and no more than it can carry."""
    cluster = passing()
    drive(cluster, Phase.DRAINING)
    drive_to_empty = [decision(cluster) for _ in range(1)]
    assert isinstance(drive_to_empty[0], Act)
    while cluster.of(Slot.BLUE):
        cluster.apply(decision(cluster))
        cluster.advance(5)
        if cluster.status.phase is Phase.DONE:
            break
    assert cluster.status.phase in (Phase.DRAINING, Phase.DONE)
    cluster.status = replace(cluster.status, phase=Phase.DRAINING)
    ask(cluster, Asked.ABORT)
    began = cluster.now
    made = drive(cluster, Phase.RETURNING)
    assert any(isinstance(each, Act) and isinstance(each.mutation, Resize) for each in made)
    assert cluster.now - began >= COLD_START
    drive(cluster, Phase.ROLLED_BACK)


def test_nothing_is_drained_before_all_nodes_know() -> None:
    """Right after a shift, some node may still send to the slot that gave its weight away."""
    cluster = passing()
    drive(cluster, Phase.KEEPING)
    shifted = cluster.status.shifted_at or 0.0
    ask(cluster, Asked.FINISH)
    for _ in range(_MOVES):
        made = decision(cluster)
        if isinstance(made, Act):
            break
        cluster.apply(made)
        cluster.advance(1.0)
    assert isinstance(made, Act)
    assert cluster.now >= shifted + cluster.plan.propagation


def test_a_replacement_boots_its_slots_release() -> None:
    """A group that somebody pinned to another release is pinned back before it can boot that."""
    cluster = passing()
    drive(cluster, Phase.BAKING, weight=25)
    cluster.change(Pin(group="blue-spot", release=9))
    made = decision(cluster)
    assert made == Act(mutation=Pin(group="blue-spot", release=1))


def test_what_an_earlier_release_left_in_the_slot_goes_first() -> None:
    """No replica of a third release may be in the slot that gets traffic."""
    cluster = passing()
    cluster.scale(Slot.GREEN, 2)
    cluster.advance(1)
    assert {each.release for each in cluster.of(Slot.GREEN)} == {1}
    drive(cluster, Phase.SCALING)
    assert not [each for each in cluster.of(Slot.GREEN) if each.release == 1]


def test_pause_and_resume() -> None:
    """A paused step is still judged; resumed, it bakes anew."""
    cluster = passing()
    drive(cluster, Phase.BAKING, weight=25)
    ask(cluster, Asked.PAUSE)
    drive(cluster, Phase.PAUSED)
    cluster.advance(10_000)
    assert isinstance(decision(cluster), Wait)
    ask(cluster, Asked.RESUME)
    drive(cluster, Phase.BAKING, weight=25)
    assert cluster.now - cluster.status.since < 1
    cluster.verdicts = (verdict(Answer.FAIL),)
    drive(cluster, Phase.ROLLED_BACK)


def test_a_step_may_ask_for_a_person() -> None:
    """`pause_at` holds after the gates have passed, until somebody promotes."""
    steps = (Step(weight=5, bake=30.0, pause=True), Step(weight=100, bake=30.0))
    cluster = Cluster(a_plan(steps=steps))
    cluster.verdicts = (verdict(Answer.PASS),)
    drive(cluster, Phase.PAUSED)
    assert cluster.status.passed
    ask(cluster, Asked.PROMOTE)
    drive(cluster, Phase.DONE)


def test_promote_full_jumps_to_the_end() -> None:
    """With the replicas for it, and with the last step's bake."""
    cluster = passing()
    drive(cluster, Phase.BAKING, weight=5)
    ask(cluster, Asked.PROMOTE_FULL)
    made = drive(cluster, Phase.KEEPING)
    assert shifts(made) == [100]


def test_nobody_promotes_a_failing_release() -> None:
    """A failing gate has the last word."""
    cluster = passing()
    drive(cluster, Phase.BAKING, weight=5)
    cluster.verdicts = (verdict(Answer.FAIL),)
    ask(cluster, Asked.PROMOTE)
    drive(cluster, Phase.ROLLED_BACK)
    assert cluster.status.cause is Cause.GATE


def test_the_watchdog_is_named() -> None:
    """Who looks later can tell that nobody aborted it."""
    cluster = passing()
    drive(cluster, Phase.BAKING, weight=5)
    ask(cluster, Asked.ABORT, by="watchdog")
    drive(cluster, Phase.ROLLED_BACK)
    assert cluster.status.cause is Cause.WATCHDOG


def test_a_sleeping_model_wakes_up_with_the_new_release() -> None:
    """Nobody can be compared and nothing is kept: one shift, and the old release is gone."""
    plan = a_plan(
        asleep=True,
        steps=(Step(weight=100, bake=0.0),),
        baseline={Market.SPOT: Size(minimum=0, desired=1), Market.ON_DEMAND: Size(minimum=0, desired=0)},
    )
    cluster = Cluster(plan)
    cluster.change(Resize(group="blue-spot", minimum=0, desired=0))
    cluster.instances.clear()
    cluster.weights = {Slot.BLUE: 0, Slot.GREEN: 0}
    made = drive(cluster, Phase.DONE)
    assert shifts(made) == [100]
    assert cluster.live is Slot.GREEN


def test_without_a_bake_nothing_is_judged() -> None:
    """`bake: 0s` goes through the steps with one cold start: all replicas start at once."""
    steps = tuple(Step(weight=weight, bake=0.0) for weight in (5, 25, 50, 100))
    cluster = Cluster(a_plan(steps=steps))
    cluster.verdicts = (verdict(Answer.INCONCLUSIVE),)
    began = cluster.now
    drive(cluster, Phase.KEEPING)
    assert cluster.now - began <= COLD_START + 20


def test_an_enter_never_changes_the_world() -> None:
    """Between two mutations only the records move: each decision does one thing."""
    cluster = passing()
    for _ in range(_MOVES):
        before = (dict(cluster.weights), dict(cluster.groups), cluster.live)
        made = decision(cluster)
        if isinstance(made, Enter):
            cluster.apply(made)
            assert (cluster.weights, cluster.groups, cluster.live) == before
        else:
            cluster.apply(made)
        cluster.advance(5.0 if isinstance(made, Wait) else 0.1)
