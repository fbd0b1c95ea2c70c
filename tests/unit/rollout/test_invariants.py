"""Model checking: gates, market, policies, people and foreign hands in any order; what holds in all."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from infra.environment.slots import Slot
from infra.rollout.capacity import at_first, needed, total
from infra.rollout.policy import decide
from infra.rollout.transitions import TRANSITIONS
from infra.rollout.types import (
    Act,
    Answer,
    Asked,
    Decision,
    Finished,
    Phase,
    Request,
    Resize,
    SetWeights,
    Verdict,
    Wait,
)
from infra.rollout.world import carries
from tests.fakes.cluster import Cluster, a_plan

_MOST_MOVES = 400


def verdict(answer: Answer) -> Verdict:
    """What the one gate of the plan says."""
    return Verdict(
        gate="error_rate", answer=answer, new=1.0, old=1.0, limit=2.0, samples=100, unit="percent", why="test"
    )


class Rollout(RuleBasedStateMachine):
    """One rollout; each rule is something that may happen between two moves of its driver."""

    @initialize(
        surge=st.sampled_from([None, 1, 3, 5]),
        inconclusive=st.sampled_from(["pause", "advance", "rollback"]),
        pauses=st.booleans(),
    )
    def begin(self, surge: int | None, inconclusive: str, pauses: bool) -> None:
        """Plans of different temper."""
        plan = a_plan(surge=surge, inconclusive=inconclusive)
        if pauses:
            steps = tuple(
                type(step)(weight=step.weight, bake=step.bake, pause=step.weight == 25) for step in plan.steps
            )
            plan = a_plan(surge=surge, inconclusive=inconclusive, steps=steps)
        self.cluster = Cluster(plan)
        self.foreign = False
        self.losses = False
        self.turned = float("inf")
        self.requests = 0
        self.dropped = dict.fromkeys(Slot, float("-inf"))

    @rule(moves=st.integers(1, 12))
    def drive(self, moves: int) -> None:
        """The driver decides and does; it may die after any move, which changes nothing but time."""
        for _ in range(moves):
            self.move()

    @rule(seconds=st.sampled_from([1.0, 10.0, 61.0, 300.0]))
    def wait(self, seconds: float) -> None:
        """Time passes without a driver."""
        self.cluster.advance(seconds)

    @rule(answer=st.sampled_from([None, *Answer]))
    def judge(self, answer: Answer | None) -> None:
        """The gates change their mind, or have no data."""
        self.cluster.verdicts = () if answer is None else (verdict(answer),)

    @rule(slot=st.sampled_from(Slot))
    def spot_loss(self, slot: Slot) -> None:
        """The market takes a replica."""
        self.cluster.lose(slot)
        self.losses = True

    @rule(capacity=st.booleans())
    def market(self, capacity: bool) -> None:
        """There is capacity to be had, or there isn't."""
        self.cluster.capacity = capacity

    @rule(slot=st.sampled_from(Slot), by=st.integers(-3, 3))
    def scaling_policy(self, slot: Slot, by: int) -> None:
        """A policy moves a group within its bounds, where there is something to follow."""
        if not self.cluster.status.phase.ended and self.cluster.healthy(slot):
            self.cluster.scale(slot, by)

    @rule(asked=st.sampled_from(Asked))
    def person(self, asked: Asked) -> None:
        """Somebody wants something."""
        self.requests += 1
        self.cluster.request = Request(id=str(self.requests), asked=asked, by="ann@host", at=self.cluster.now)

    @precondition(lambda self: not self.cluster.status.phase.back and not self.cluster.status.phase.ended)
    @rule(weight=st.integers(0, 100))
    def foreign_hand(self, weight: int) -> None:
        """Somebody changes the weights by hand."""
        self.set_by_hand(weight)
        self.foreign = weight != self.cluster.status.weight

    @precondition(lambda self: self.foreign)
    @rule()
    def put_right(self) -> None:
        """And puts them back."""
        self.set_by_hand(self.cluster.status.weight)
        self.foreign = False

    @invariant()
    def only_planned_releases_serve(self) -> None:
        """No replica of another release is in a slot that has traffic (invariant 5)."""
        for slot, weight in self.cluster.weights.items():
            if weight and not self.foreign:
                releases = {instance.release for instance in self.cluster.of(slot)}
                assert releases <= {self.cluster.plan.slots[slot]}

    @invariant()
    def ends_are_clean(self) -> None:
        """An ended rollout left one release, all the traffic with it, and nothing in the other slot."""
        cluster, status = self.cluster, self.cluster.status
        if not status.phase.ended or self.foreign:
            return
        winner = cluster.plan.new_slot if status.phase is Phase.DONE else cluster.plan.old_slot
        loser = next(slot for slot in Slot if slot is not winner)
        assert cluster.live is cluster.scheduled is winner
        assert cluster.weights == {winner: 100, loser: 0}
        assert not [each for each in cluster.of(loser) if each.gone_at is None]

    def teardown(self) -> None:
        """Left alone, with capacity and passing gates, every rollout comes to an end."""
        if not hasattr(self, "cluster"):
            return
        cluster = self.cluster
        cluster.capacity, cluster.verdicts = True, (verdict(Answer.PASS),)
        if self.foreign:
            self.put_right()
        for _ in range(_MOST_MOVES):
            if cluster.status.phase.ended:
                break
            if cluster.status.phase is Phase.PAUSED and cluster.request is None:
                self.person(Asked.PROMOTE)
            self.move()
        assert cluster.status.phase.ended, cluster.status
        self.ends_are_clean()

    def move(self) -> None:
        """One decision, checked and carried out."""
        cluster = self.cluster
        decision = decide(cluster.plan, cluster.status, cluster.observe(), cluster.now)
        self.check(decision)
        before = cluster.status.phase
        cluster.apply(decision)
        ways = {(each.before, each.after) for each in TRANSITIONS}
        assert cluster.status.phase is before or (before, cluster.status.phase) in ways
        if cluster.status.phase.back and not before.back:
            self.turned = cluster.now
        if isinstance(decision, Act) and isinstance(decision.mutation, SetWeights):
            self.foreign = False
        cluster.advance(10.0 if isinstance(decision, Wait) else 0.1)

    def check(self, decision: Decision) -> None:
        """Whatever is decided, it may not hurt."""
        cluster = self.cluster
        if cluster.status.phase.ended:
            assert isinstance(decision, Finished)
        if self.foreign and not cluster.status.phase.back and not self.looks_stale():
            assert not isinstance(decision, Act)
        if not isinstance(decision, Act):
            return
        if isinstance(decision.mutation, SetWeights):
            self.check_shift(decision.mutation)
        elif isinstance(decision.mutation, Resize):
            self.check_resize(decision.mutation)

    def check_shift(self, shift: SetWeights) -> None:
        """A slot gets more traffic only when it can carry that; a release that goes back never does."""
        cluster, plan = self.cluster, self.cluster.plan
        for slot, weight in shift.weights.items():
            if weight <= cluster.weights[slot]:
                self.dropped[slot] = cluster.now
                continue
            if not cluster.status.phase.back:
                # Seen healthy before the shift was written down; the market may have come in between.
                assert cluster.healthy(slot) or self.losses
                continue
            share = cluster.healthy(slot) / total(at_first(plan))
            late = cluster.now - self.turned >= plan.capacity_timeout
            assert share >= min(0.75, weight / 100 - 0.005) or self.losses or late
        if cluster.status.phase.back and not self.foreign:
            assert shift.weights[plan.new_slot] <= cluster.weights[plan.new_slot]

    def check_resize(self, resize: Resize) -> None:
        """A slot never shrinks below what it carries, or carried until the balancer's nodes all knew."""
        cluster, plan = self.cluster, self.cluster.plan
        group = cluster.groups[resize.group]
        if resize.desired >= group.desired or self.foreign:
            return
        assert cluster.now - self.dropped[group.slot] >= plan.propagation
        weight = cluster.weights[group.slot]
        assert resize.desired >= needed(at_first(plan), weight)[group.market] or not weight

    def looks_stale(self) -> bool:
        """Whether the weights could as well be an old answer of the load balancer's API."""
        return carries(self.cluster.plan, self.cluster.observe(), self.cluster.status.previous_weight)

    def set_by_hand(self, weight: int) -> None:
        """What anybody with the rights can do."""
        plan: Any = self.cluster.plan
        self.cluster.weights = {plan.old_slot: 100 - weight, plan.new_slot: weight}


TestRollout = Rollout.TestCase
TestRollout.settings = settings(
    max_examples=300, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
