"""Waiting: ends when the state is right, says what is missing when it takes too long."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from infra.deploy.types import EnvironmentState, ModelState, Phase, Replica, SlotState
from infra.deploy.wait import until_empty, until_ready
from infra.environment.slots import Market, Slot
from infra.errors import ExitCode, LlmctlError
from tests.fakes.deploy import START, FakeClock


def state(*phases: Phase, wanted: int = 2) -> EnvironmentState:
    """One model whose blue slot is live with replicas in these phases."""
    replicas = tuple(
        Replica(
            id=f"i-{number}",
            phase=phase,
            detail="",
            slot=Slot.BLUE,
            market=Market.SPOT,
            release=1,
            type="g5.xlarge",
            zone="us-east-1a",
            launched=START,
        )
        for number, phase in enumerate(phases)
    )
    slot = SlotState(slot=Slot.BLUE, weight=100, release=1, wanted=wanted, replicas=replicas)
    model = ModelState(name="chat", live=Slot.BLUE, release=1, latest_release=1, url="", slots=(slot,))
    return EnvironmentState(environment="test", endpoint="", models=(model,))


def sequence(*states: EnvironmentState) -> Callable[[], EnvironmentState]:
    """Observe these states in turn; the last one lasts."""
    left = list(states)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_returns_when_all_replicas_are_healthy() -> None:
    """Every state on the way is shown, the last one is the ready one."""
    shown: list[EnvironmentState] = []
    states = [state(), state(Phase.HEALTHY, Phase.LOADING), state(Phase.HEALTHY, Phase.HEALTHY)]
    assert until_ready(sequence(*states), FakeClock(), timeout=60, watch=shown.append) is states[-1]
    assert shown == states


def test_timeout_is_inconclusive_and_names_the_replicas() -> None:
    """After the deadline the error says which replica is where, and the code is for scripts."""
    clock = FakeClock()
    with pytest.raises(LlmctlError, match=r"chat: 1 of 2 .*\n.*i-1 loading") as caught:
        until_ready(
            sequence(state(Phase.HEALTHY, Phase.LOADING)), clock, timeout=30, watch=lambda _state: None
        )
    assert caught.value.code is ExitCode.INCONCLUSIVE
    assert timedelta(seconds=30) <= clock.now() - START < timedelta(seconds=40)


def test_empty_waits_for_the_last_draining_replica() -> None:
    """Destroy goes on only when nothing serves any more."""
    states = [state(Phase.DRAINING, wanted=0), state(wanted=0)]
    assert until_empty(sequence(*states), FakeClock(), timeout=60, watch=lambda _state: None) is states[-1]
