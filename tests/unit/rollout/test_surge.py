"""Rollouts with few machines to spare: they always get on, by as many replicas as there may be."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.environment.slots import Market, Slot
from infra.rollout.capacity import at_first, carried, needed, reach, total
from infra.rollout.policy import decide
from infra.rollout.types import Answer, Asked, Cause, Phase, Plan, Request, Size, Step, Verdict, Wait
from tests.fakes.cluster import Cluster, a_plan

PASS = Verdict(
    gate="error_rate", answer=Answer.PASS, new=1.0, old=1.0, limit=2.0, samples=100, unit="percent", why=""
)
HALF_A_PERCENT = 0.005
"""Of all the traffic: weights are whole percents."""


def few(spot: int, on_demand: int, surge: int, steps: tuple[int, ...]) -> Plan:
    """So many replicas, and so many to spare."""
    sizes = {Market.SPOT: spot, Market.ON_DEMAND: on_demand}
    return a_plan(
        surge=surge,
        steps=tuple(Step(weight=weight, bake=10.0) for weight in steps),
        baseline={market: Size(minimum=size, desired=size) for market, size in sizes.items()},
    )


def begun(plan: Plan) -> Cluster:
    """Gates pass; groups are large enough for all replicas."""
    cluster = Cluster(plan)
    cluster.groups = {name: replace(group, maximum=32) for name, group in cluster.groups.items()}
    cluster.advance(0.0)
    for instance in cluster.instances:
        instance.healthy_at = cluster.now
    cluster.verdicts = (PASS,)
    return cluster


def drive(cluster: Cluster, end: Phase) -> list[int]:
    """Until it is there; all weights of the new slot on the way. Looks at each move what it may not do."""
    weights = [cluster.weights[cluster.plan.new_slot]]
    for _ in range(2000):
        if cluster.status.phase is end:
            return weights
        decision = decide(cluster.plan, cluster.status, cluster.observe(), cluster.now)
        cluster.apply(decision)
        cluster.advance(5.0 if isinstance(decision, Wait) else 0.1)
        check(cluster)
        if cluster.weights[cluster.plan.new_slot] != weights[-1]:
            weights.append(cluster.weights[cluster.plan.new_slot])
    raise AssertionError(f"{cluster.status} after {weights}")


def check(cluster: Cluster) -> None:
    """No more machines than allowed, those that drain among them; and each share has its replicas."""
    full = total(at_first(cluster.plan))
    if not cluster.status.phase.back:
        assert len(cluster.instances) <= full + (cluster.plan.surge or 0)
    for slot in Slot:
        carries = cluster.healthy(slot) / full
        if not cluster.status.phase.back:
            assert carries >= cluster.weights[slot] / 100 - HALF_A_PERCENT


def test_three_replicas_and_one_to_spare() -> None:
    """A quarter of three replicas is one, and half of them are two: between them a third is moved."""
    cluster = begun(few(3, 0, 1, (25, 50, 100)))
    assert drive(cluster, Phase.KEEPING) == [0, 25, 33, 50, 67, 100]


@settings(max_examples=150, deadline=None)
@given(
    replicas=st.integers(1, 16),
    surge=st.integers(1, 3),
    steps=st.sets(st.integers(1, 99), max_size=4),
    data=st.data(),
)
def test_any_rollout_gets_on_with_any_surge(
    replicas: int, surge: int, steps: set[int], data: st.DataObject
) -> None:
    """Whatever the sizes, markets and steps: it ends, every step is passed, and no limit is broken."""
    on_demand = data.draw(st.integers(0, replicas))
    wanted = (*sorted(steps), 100)
    cluster = begun(few(replicas - on_demand, on_demand, surge, wanted))
    passed = drive(cluster, Phase.KEEPING)
    assert passed == sorted(passed)
    assert set(wanted) <= set(passed)


@pytest.mark.parametrize("replicas", range(1, 17))
def test_a_promotion_to_all_keeps_to_the_limit(replicas: int) -> None:
    """Steps are left out, machines can't be."""
    cluster = begun(few(replicas, 0, 1, (10, 30, 100)))
    drive(cluster, Phase.BAKING)
    cluster.request = Request(id="r", asked=Asked.PROMOTE_FULL, by="ann@host", at=cluster.now)
    drive(cluster, Phase.KEEPING)


@pytest.mark.parametrize("replicas", range(1, 17))
def test_the_way_back_needs_no_more_machines_than_the_way_there(replicas: int) -> None:
    """Where the market has no more than the limit, the old replicas come back as the new ones leave."""
    cluster = begun(few(replicas, 0, 1, (50, 100)))
    cluster.machines = replicas + 1
    drive(cluster, Phase.BAKING)
    began = cluster.now
    cluster.request = Request(id="r", asked=Asked.ABORT, by="ann@host", at=began)
    weights = drive(cluster, Phase.ROLLED_BACK)
    assert weights == sorted(weights, reverse=True)
    assert len(cluster.of(Slot.BLUE)) == replicas


def test_old_replicas_that_do_not_leave_end_it() -> None:
    """Room that is never made is capacity that never comes: the rollout doesn't hang."""
    cluster = begun(few(4, 0, 1, (50, 100)))
    cluster.drain = 10_000.0
    drive(cluster, Phase.RESTORING)
    assert cluster.status.cause is Cause.CAPACITY
    assert "1 replicas of release 1 finish their requests" in cluster.status.reason


@given(st.integers(1, 200), st.integers(0, 99), st.integers(1, 10))
def test_one_shift_always_gets_further(replicas: int, weight: int, surge: int) -> None:
    """One percent at least, with one replica to spare."""
    full = {Market.SPOT: replicas, Market.ON_DEMAND: 0}
    assert weight < reach(full, surge, weight, 100) <= 100
    assert reach(full, surge, weight, weight + 1) == weight + 1


@given(st.integers(0, 16), st.integers(0, 16), st.integers(1, 100), st.integers(1, 100))
def test_needs_fit_and_grow_with_the_share(spot: int, on_demand: int, one: int, other: int) -> None:
    """A larger share needs no fewer of either market, never more than there are, and on-demand first."""
    full = {Market.SPOT: spot, Market.ON_DEMAND: on_demand}
    less, more = needed(full, min(one, other)), needed(full, max(one, other))
    assert all(less[market] <= more[market] for market in full)
    if spot + on_demand:
        assert all(more[market] <= full[market] for market in full)
        assert total(less) >= (spot + on_demand) * (min(one, other) / 100 - HALF_A_PERCENT)
        assert carried(full, total(less)) >= min(one, other)
        assert less[Market.ON_DEMAND] or not on_demand
