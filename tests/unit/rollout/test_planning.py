"""The plan of a rollout, from the file and what is deployed."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.deploy.types import Group, Live
from infra.environment import names
from infra.environment.model import Environment, Replicas, ScheduledMinimum, Spot
from infra.environment.rollout import Gate, Gates, Golden, Quality, Rollout
from infra.environment.slots import Market, Slot
from infra.errors import ExitCode, LlmctlError, Refused
from infra.rollout.codec import from_json, to_json
from infra.rollout.planning import Overrides, Start, make_plan
from infra.rollout.types import Plan, Size, Step
from tests.fakes.environments import model, two_models

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
START = Start(now=NOON, by="ann@desk", suffix="1a2b")
REST = {Slot.BLUE: 100, Slot.GREEN: 0}
LIVE = Live(slot=Slot.BLUE, release=1, since=datetime(2026, 11, 1, tzinfo=UTC))


def environment(rollout: Rollout = Rollout(), *, protect: bool = False, **sections: object) -> Environment:  # noqa: B008
    """`chat` with this section."""
    spec = model(rollout=rollout, **sections)
    return msgspec.structs.replace(two_models(), models={"chat": spec}, protect=protect)


def groups(spot: int = 3, on_demand: int = 1) -> tuple[Group, ...]:
    """Blue has these; green is empty."""
    sizes = {(Slot.BLUE, Market.SPOT): spot, (Slot.BLUE, Market.ON_DEMAND): on_demand}
    return tuple(
        Group(
            name=names.group("test", "chat", slot, market),
            model="chat",
            slot=slot,
            market=market,
            release=1,
            min=0,
            desired=sizes.get((slot, market), 0),
            max=6,
        )
        for slot in Slot
        for market in Market
    )


def plan(
    found: Environment | None = None,
    overrides: Overrides = Overrides(),  # noqa: B008
    *,
    fleet: tuple[Group, ...] | None = None,
    weights: Mapping[Slot, int] = REST,
    release: int = 2,
    serving: bool = True,
) -> Plan:
    """A plan for `chat`."""
    return make_plan(
        found or environment(),
        "chat",
        live=LIVE,
        groups=groups() if fleet is None else fleet,
        weights=weights,
        release=release,
        start=START,
        serving=serving,
        overrides=overrides,
    )


def test_a_plan_says_everything_that_the_file_decides() -> None:
    """Whoever drives later needs nothing but the plan: the file may have changed by then."""
    made = plan(environment(Rollout(steps=(25, 100), bake="2m", pause_at=(25,), surge=4)))
    assert (made.id, made.started_by) == ("20261122T120000Z-1a2b", "ann@desk")
    assert (made.old_slot, made.old_release, made.new_slot, made.new_release) == (Slot.BLUE, 1, Slot.GREEN, 2)
    assert made.steps == (Step(weight=25, bake=120, pause=True), Step(weight=100, bake=120))
    assert made.baseline == {
        Market.SPOT: Size(minimum=3, desired=3),
        Market.ON_DEMAND: Size(minimum=1, desired=1),
    }
    assert (made.surge, made.capacity_timeout, made.propagation, made.judge_every) == (4, 1200, 60, 60)
    assert from_json(Plan, to_json(made)) == made


def test_replicas_that_a_policy_added_count() -> None:
    """The new release must carry what the old one carries now, not what it carries at night."""
    made = plan(fleet=groups(spot=5))
    assert made.baseline[Market.SPOT] == Size(minimum=3, desired=5)


def test_a_scheduled_minimum_counts_from_its_hour_on() -> None:
    """A deploy seconds before the morning's replicas are there plans for them."""
    schedule = (ScheduledMinimum(cron="0 11 * * *", min=5),)
    busy = environment(replicas=Replicas(min=3, max=6, schedule=schedule), spot=Spot())
    assert plan(busy, fleet=groups(spot=3, on_demand=0)).baseline[Market.SPOT].desired == 5


def test_the_live_release_is_not_rolled_out() -> None:
    """Nothing to do is said, not done."""
    with pytest.raises(Refused, match="live already"):
        plan(release=1)


@pytest.mark.parametrize("weights", [{Slot.BLUE: 60, Slot.GREEN: 40}, {Slot.BLUE: 0, Slot.GREEN: 100}])
def test_weights_of_another_hand_stop_it(weights: Mapping[Slot, int]) -> None:
    """A rollout that begins from an unknown split could not tell its own doing from somebody else's."""
    with pytest.raises(LlmctlError, match="somebody else changed them") as raised:
        plan(weights=weights)
    assert raised.value.code is ExitCode.CONFLICT


@pytest.mark.parametrize(
    ("weights", "fleet"),
    [({}, groups(0, 0)), ({Slot.BLUE: 0, Slot.GREEN: 0}, groups()), (REST, groups(0, 0))],
)
def test_a_sleeping_model_is_rolled_out_with_one_replica(
    weights: Mapping[Slot, int], fleet: tuple[Group, ...]
) -> None:
    """Nobody is served, so there is nothing to compare with and nobody to protect."""
    made = plan(fleet=fleet, weights=weights)
    assert made.asleep
    assert made.steps == (Step(weight=100, bake=0),)
    assert made.gates == ()
    assert {market: size.desired for market, size in made.baseline.items()} == {
        Market.SPOT: 1,
        Market.ON_DEMAND: 0,
    }


def test_a_release_without_a_healthy_replica_is_replaced_at_once() -> None:
    """A fix must not wait for what it fixes, and brings as many replicas as were wanted."""
    made = plan(environment(Rollout(surge=1, steps=(50, 100))), serving=False)
    assert made.asleep
    assert made.steps == (Step(weight=100, bake=0),)
    assert made.baseline[Market.SPOT].desired == 3


def test_blue_green_is_one_judged_step() -> None:
    """All traffic at once, then watched."""
    made = plan(environment(Rollout(strategy="blue-green", bake="2m")))
    assert made.steps == (Step(weight=100, bake=120),)
    assert made.gates


def test_all_at_once_is_neither_baked_nor_judged() -> None:
    """It is for environments where nobody is hurt."""
    made = plan(environment(Rollout(strategy="all-at-once")))
    assert made.steps == (Step(weight=100, bake=0),)
    assert made.gates == ()


def test_all_at_once_is_refused_where_it_hurts() -> None:
    """The command line can't undo what `protect` promises."""
    with pytest.raises(Refused, match="protected"):
        plan(environment(protect=True), Overrides(strategy="all-at-once"))


def test_nothing_is_judged_without_a_bake() -> None:
    """A gate without time to measure would only ever be inconclusive."""
    assert plan(environment(Rollout(bake="0s"))).gates == ()


def test_gates_are_those_that_are_on() -> None:
    """Quality needs scored prompts; what is off is off."""
    gates = Gates(error_rate=Gate(limit=1, min_samples=20), latency_p95=Gate(off=True))
    named = {gate.gate for gate in plan(environment(Rollout(gates=gates))).gates}
    assert named == {"error_rate", "ttft_p95", "tpot_p95", "engine_failures"}
    golden = Golden(prompts="golden.jsonl", quality=Quality(scorer="exact"))
    assert "quality" in {gate.gate for gate in plan(environment(Rollout(golden=golden))).gates}


def test_the_command_line_comes_before_the_file() -> None:
    """Options are for this rollout only."""
    made = plan(overrides=Overrides(steps=(10, 100), bake=5.0, pause_at=(10,)))
    assert made.steps == (Step(weight=10, bake=5, pause=True), Step(weight=100, bake=5))


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (Overrides(steps=(50, 25, 100)), "don't rise"),
        (Overrides(steps=(0, 100)), "don't rise"),
        (Overrides(steps=(50,)), "don't rise"),
        (Overrides(pause_at=(33,)), "none of its steps"),
        (Overrides(strategy="blue-green", steps=(50, 100)), "has no steps"),
        (Overrides(strategy="all-at-once", bake=5.0), "neither bakes nor pauses"),
    ],
)
def test_what_the_command_line_cannot_mean_is_refused(overrides: Overrides, told: str) -> None:
    """Nothing is silently dropped."""
    with pytest.raises(Refused, match=told):
        plan(overrides=overrides)


def test_a_pause_of_the_file_is_not_lost_with_its_step() -> None:
    """Somebody wanted a person to look: other steps must not quietly do without."""
    with pytest.raises(Refused, match="none of its steps"):
        plan(environment(Rollout(pause_at=(25,))), Overrides(steps=(50, 100)))


@given(full=st.integers(1, 16), surge=st.integers(1, 6), first=st.integers(1, 99))
def test_any_surge_limit_suits_any_steps(full: int, surge: int, first: int) -> None:
    """A step that needs too many replicas at once is made in parts: nobody has to do arithmetic."""
    found = environment(
        Rollout(steps=(first, 100), surge=surge), replicas=Replicas(min=full, max=16), spot=Spot()
    )
    made = plan(found, fleet=groups(full, 0))
    assert [step.weight for step in made.steps] == [first, 100]


def test_a_surge_limit_below_one_percent_is_refused_with_the_one_that_suits() -> None:
    """A rollout must not begin that would hang half-way: weights are whole percents."""
    replicas = Replicas(min=500, max=600)
    tight = environment(Rollout(surge=1), replicas=replicas, spot=Spot())
    with pytest.raises(Refused, match="500 replicas serve") as raised:
        plan(tight, fleet=groups(500, 0))
    assert raised.value.hint == "rollout.surge must be at least 3"
    assert (
        plan(environment(Rollout(surge=5), replicas=replicas, spot=Spot()), fleet=groups(500, 0)).surge == 5
    )
