"""`status` for people."""

import pytest

from cli.render.status import print_state, progress_line
from infra.deploy.types import EnvironmentState, ModelState, Phase, Replica, SlotState
from infra.environment.slots import Market, Slot

REPLICA = Replica(
    id="i-0123456789abcdef0",
    phase=Phase.HEALTHY,
    detail="",
    slot=Slot.BLUE,
    market=Market.SPOT,
    release=1,
    type="g5.2xlarge",
    zone="us-east-1a",
    launched=None,
)


def state(*replicas: Replica, problems: tuple[str, ...] = ()) -> EnvironmentState:
    """One model with these replicas of the two it wants, and a second release waiting."""
    slots = (
        SlotState(slot=Slot.BLUE, weight=100, release=1, wanted=2, replicas=replicas, problems=problems),
        SlotState(slot=Slot.GREEN, weight=0, release=1, wanted=0, replicas=()),
    )
    model = ModelState(name="chat", live=Slot.BLUE, release=1, latest_release=2, url="", slots=slots)
    return EnvironmentState(environment="test", endpoint="http://lb", models=(model,))


def test_instance_ids_are_whole_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """What `grep` finds must be what can be copied; idle slots only take space."""
    print_state(state(REPLICA))
    shown = capsys.readouterr().out
    assert REPLICA.id in shown
    assert "1 (2 waiting)" in shown
    assert "green" not in shown


def test_progress_names_what_is_missing_and_why() -> None:
    """One line says how far it is, and what AWS said when it refused a launch."""
    assert progress_line(state(REPLICA, problems=("spot: no capacity",))) == (
        "chat 1/2 healthy; spot: no capacity"
    )
