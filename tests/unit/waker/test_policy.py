"""When a model sleeps, wakes, and is left alone."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from infra.waker.policy import Action, Observation, Weights, decide, retry_after

NOW = 10_000.0
AFTER = 900.0
ASLEEP = Observation(
    weights=Weights(live=0, idle=0, waker=100),
    desired=0,
    minimum=0,
    healthy=0,
    requests=0,
    awake_since=0,
    asked=False,
)
AWAKE = replace(
    ASLEEP, weights=Weights(live=100, idle=0, waker=0), desired=1, healthy=1, requests=5, awake_since=NOW - 5
)


def todo(seen: Observation) -> tuple[Action, ...]:
    """What is decided now."""
    return decide(seen, sleep_after=AFTER, now=NOW)


def test_a_sleeping_model_sleeps_on() -> None:
    """Without a request nothing happens."""
    assert todo(ASLEEP) == ()


def test_a_request_wakes() -> None:
    """The first request asks for a replica; the requests go on to the waker meanwhile."""
    assert todo(replace(ASLEEP, asked=True)) == (Action.WAKE,)


def test_further_requests_wake_once() -> None:
    """While the replica starts, more requests ask for nothing more."""
    assert todo(replace(ASLEEP, asked=True, desired=1)) == ()


def test_a_healthy_replica_gets_the_requests() -> None:
    """As soon as the balancer finds the replica healthy, requests go to it, asked for or not."""
    assert todo(replace(ASLEEP, desired=1, healthy=1)) == (Action.TO_SLOT,)


def test_an_idle_model_goes_to_sleep() -> None:
    """No request for long enough: replicas go, then requests go to the waker."""
    idle = replace(AWAKE, requests=0, awake_since=NOW - AFTER)
    assert todo(idle) == (Action.SLEEP, Action.TO_WAKER)


def test_just_woken_is_not_idle() -> None:
    """A model that was woken a moment ago stays, although nothing was answered yet."""
    assert todo(replace(AWAKE, requests=0, awake_since=NOW - AFTER + 1)) == ()


def test_a_scheduled_minimum_keeps_it_awake() -> None:
    """While a schedule demands replicas the model doesn't sleep."""
    assert todo(replace(AWAKE, requests=0, awake_since=0, minimum=1)) == ()


def test_a_model_scaled_to_zero_by_hand_is_guarded() -> None:
    """Whoever took the last replica away, requests get an answer that says when to come again."""
    assert todo(replace(AWAKE, desired=0, healthy=0)) == (Action.TO_WAKER,)


def test_unhealthy_is_not_asleep() -> None:
    """A model whose replicas are wanted but down keeps its requests: that is an outage, not sleep."""
    assert todo(replace(AWAKE, healthy=0)) == ()


def test_a_rollout_is_left_alone() -> None:
    """While both slots have weight nothing is decided."""
    split = Weights(live=50, idle=50, waker=0)
    assert todo(replace(AWAKE, weights=split, requests=0, awake_since=0)) == ()


def test_a_rollout_has_the_model_to_itself() -> None:
    """Whatever the weights are, while a rollout goes on nobody is woken, put to sleep or sent elsewhere."""
    assert todo(replace(ASLEEP, asked=True, rolling=True)) == ()
    assert todo(replace(ASLEEP, desired=1, healthy=1, rolling=True)) == ()
    assert todo(replace(AWAKE, requests=0, awake_since=0, rolling=True)) == ()
    assert todo(replace(AWAKE, desired=0, healthy=0, rolling=True)) == ()


observations = st.builds(
    Observation,
    weights=st.builds(
        Weights,
        live=st.sampled_from((0, 100)),
        idle=st.sampled_from((0, 50)),
        waker=st.sampled_from((0, 100)),
    ),
    desired=st.integers(0, 3),
    minimum=st.integers(0, 2),
    healthy=st.integers(0, 3),
    requests=st.floats(0, 100),
    awake_since=st.floats(0, NOW),
    asked=st.booleans(),
    rolling=st.booleans(),
)


@given(observations)
def test_nothing_in_use_sleeps(seen: Observation) -> None:
    """A model with requests in the window, or asked for now, is never put to sleep."""
    if seen.requests > 0:
        assert Action.SLEEP not in todo(seen)


@given(observations)
def test_no_request_is_sent_where_nobody_is(seen: Observation) -> None:
    """Requests only ever go to a slot that has a healthy replica."""
    if Action.TO_SLOT in todo(seen):
        assert seen.healthy > 0


def test_retry_after_counts_down() -> None:
    """A client is told what is left of a usual cold start, within what it would honour."""
    starting = replace(ASLEEP, asked=True, desired=1, awake_since=NOW - 40)
    assert retry_after(starting, cold_start=60, now=NOW) == 20
    assert retry_after(starting, cold_start=30, now=NOW) == 1
    assert retry_after(replace(ASLEEP, asked=True), cold_start=45, now=NOW) == 45
    assert retry_after(replace(ASLEEP, asked=True), cold_start=300, now=NOW) == 60
    assert retry_after(replace(starting, healthy=1), cold_start=60, now=NOW) == 1
