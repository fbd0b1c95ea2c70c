"""The guardian's decision, rule by rule."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.spot.policy import decide, hold
from infra.spot.types import Event, Observation, PoolState, Settings

NOW = 100_000.0
POOLS = ("a", "b", "c", "d")

_times = st.lists(st.floats(NOW - 20_000, NOW), max_size=3).map(tuple)
_fresh = st.lists(st.floats(NOW - 600, NOW), max_size=3).map(tuple)
_events = st.lists(st.builds(Event, st.sampled_from(POOLS), st.floats(NOW - 20_000, NOW)), max_size=6).map(
    tuple
)
_states = st.tuples(*(st.builds(PoolState, st.just(pool), _times, _fresh) for pool in POOLS))
observations = st.builds(
    Observation,
    wanted=st.integers(0, 10),
    spot=_states,
    on_demand_ready=st.integers(0, 12),
    on_demand_pending=st.integers(0, 4),
    interruptions=_events,
    failures=_events,
)
settings = st.builds(
    Settings, on_demand_base=st.integers(0, 5), overprovision=st.integers(0, 4), spare=st.integers(0, 2)
)


def _alive(seen: Observation) -> int:
    return sum(state.size for state in seen.spot)


@given(settings, observations)
def test_missing_spot_is_filled_at_once(given: Settings, seen: Observation) -> None:
    """Whatever spot neither has nor is about to have comes on demand, in the same decision."""
    targets = decide(given, seen, NOW)
    assert targets.on_demand.size + _alive(seen) >= seen.wanted


@given(settings, observations)
def test_the_base_is_kept(given: Settings, seen: Observation) -> None:
    """on_demand_base is there whatever spot does, and no more on-demand than is wanted, ever."""
    size = decide(given, seen, NOW).on_demand.size
    assert min(given.on_demand_base, seen.wanted) <= size <= seen.wanted


@given(settings, observations)
def test_extras_are_never_bought_on_demand(given: Settings, seen: Observation) -> None:
    """More extras don't change what is bought on demand."""
    fewer = replace(given, overprovision=0)
    assert decide(given, seen, NOW).on_demand == decide(fewer, seen, NOW).on_demand


@given(settings, observations)
def test_calm_spot_gives_all_on_demand_back(given: Settings, seen: Observation) -> None:
    """Where steady spot covers what is wanted, on-demand is back to its base: the spare too."""
    steady = tuple(replace(state, ready_since=(0.0,) * 4) for state in seen.spot)
    calm = replace(seen, spot=steady, interruptions=(), failures=())
    assert decide(given, calm, NOW).on_demand.size == min(given.on_demand_base, seen.wanted)


@given(observations)
def test_pending_spot_does_not_lower_on_demand(seen: Observation) -> None:
    """On-demand goes only for spot that is ready: what is pending may never come."""
    waiting = replace(
        seen,
        spot=tuple(PoolState(state.pool, (), state.pending_since) for state in seen.spot),
    )
    before = min(seen.on_demand, seen.wanted)
    assert decide(Settings(), waiting, NOW).on_demand.size >= before


@given(observations)
def test_pending_spot_counts_when_raising(seen: Observation) -> None:
    """Spot that is on its way isn't bought twice."""
    needed = replace(seen, on_demand_ready=0, on_demand_pending=0)
    coming = PoolState("e", (), (NOW,) * seen.wanted)
    assert decide(Settings(), replace(needed, spot=(*needed.spot, coming)), NOW).on_demand.size == 0


@given(st.integers(0, 100))
def test_hold_grows_with_interruptions_and_is_capped(count: int) -> None:
    """Flapping spot is trusted later and later, but not never."""
    given = Settings(hold_seconds=60, hold_most_seconds=600)
    spot = tuple(PoolState(pool) for pool in POOLS)
    events = tuple(Event("a", NOW - 1) for _ in range(count))
    assert hold(given, Observation(1, spot, interruptions=events), NOW) == min(600, 60 * (1 + count))


@given(
    settings,
    observations,
    st.integers(0, 6),
    st.integers(0, 6),
    st.floats(0, 8),
)
def test_quota_and_budget_are_kept(
    given: Settings, seen: Observation, spot: int, on_demand: int, budget: float
) -> None:
    """Neither limit is exceeded, and the sentence for the journal names the one that bit."""
    limited = replace(given, spot_quota=spot, on_demand_quota=on_demand, budget=budget)
    free, targets = decide(given, seen, NOW), decide(limited, seen, NOW)
    assert targets.spot.size <= spot
    assert targets.on_demand.size <= on_demand
    cost = targets.spot.size * given.spot_price + targets.on_demand.size * given.on_demand_price
    assert cost <= budget + 1e-6
    if targets.on_demand.size < free.on_demand.size:
        assert "the quota" in targets.on_demand.why or "the budget" in targets.on_demand.why


@given(observations)
def test_every_pool_is_tried_within_a_period(seen: Observation) -> None:
    """No pool stays closed for longer than a period, when spot is short everywhere."""
    given = Settings(period_seconds=300, retry_seconds=900)
    failures = tuple(Event(pool, NOW) for pool in POOLS)
    short = replace(seen, failures=failures)
    assert decide(given, short, NOW + 1).pools == ()
    assert set(decide(given, short, NOW + 300).pools) == set(POOLS)


def test_pools_in_trouble_come_last() -> None:
    """A pool that interrupted lately is left out while others are calm."""
    spot = tuple(PoolState(pool) for pool in POOLS)
    seen = Observation(4, spot, interruptions=(Event("a", NOW - 10),))
    assert decide(Settings(), seen, NOW).pools == ("b", "c", "d")


@given(settings, observations, st.floats(0, 1))
def test_nothing_changes_before_it_says_so(given: Settings, seen: Observation, share: float) -> None:
    """`again_at` is true: whoever waits until then misses nothing."""
    first = decide(given, seen, NOW)
    until = min(first.again_at, NOW + 50_000)
    between = NOW + (until - NOW) * share * 0.999
    later = decide(given, seen, between)
    assert (later.spot.size, later.on_demand.size) == (first.spot.size, first.on_demand.size)
    assert set(later.pools) == set(first.pools)
    assert first.again_at > NOW or math.isinf(first.again_at)


@pytest.mark.parametrize(
    "wrong",
    [
        {"overprovision": -1},
        {"hold_seconds": 10.0, "hold_most_seconds": 5.0},
        {"spot_price": 0.0},
        {"budget": -1.0},
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    """A setting that can't be meant fails where it is made, not in the cloud."""
    with pytest.raises(ValueError, match=r"spot|hold"):
        Settings(**wrong)  # type: ignore[arg-type]
