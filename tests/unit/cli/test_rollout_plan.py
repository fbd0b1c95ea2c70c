"""What is said of a rollout before it begins, when it ends, and when its driver is interrupted."""

from dataclasses import replace

import pytest

from cli.render.rollout_plan import ending_text, holding_text, plan_text, words
from cli.rolling import code_of
from infra.environment.model import Price
from infra.environment.slots import Market, Slot
from infra.errors import ExitCode
from infra.rollout.types import Cause, GateSpec, Phase, Plan, Size, Status, Step

PLAN = Plan(
    id="20261122T120000Z-1a2b",
    model="chat",
    old_slot=Slot.BLUE,
    old_release=1,
    new_slot=Slot.GREEN,
    new_release=2,
    strategy="canary",
    steps=(Step(weight=25, bake=300, pause=True), Step(weight=100, bake=300)),
    gates=(GateSpec(gate="error_rate", limit=2.0, worse_by=0.5, min_samples=50),),
    baseline={Market.SPOT: Size(minimum=3, desired=3), Market.ON_DEMAND: Size(minimum=1, desired=1)},
    surge=None,
    capacity_timeout=1200,
    propagation=60,
    patience=1800,
    inconclusive="pause",
    keep_previous=1800,
    watchdog=900,
    judge_every=60,
)
PRICE = Price(on_demand=2.0, spot=0.5)


def test_people_see_what_they_say_yes_to() -> None:
    """Steps, gates, replicas, money and time, before anything begins."""
    assert plan_text(PLAN, PRICE, ["it is quiet"]).splitlines() == [
        "chat: release 1 (blue) -> release 2 (green), canary",
        "  steps     25 % for 5m, then waits for `llmctl promote`, 100 % for 5m",
        "  gates     error_rate (at most 2, +0.5)",
        "  replicas  4 now, up to 8 while it goes on: up to $3.50 an hour more",
        "  takes     11m at least, and the time that replicas need to start; "
        "the old ones stay for 30m afterwards",
        "  note      it is quiet",
    ]


def test_a_surge_limit_bounds_replicas_and_money() -> None:
    """With one replica more at a time, no more than one is paid for: the dearest, to be sure."""
    text = plan_text(replace(PLAN, surge=1), PRICE)
    assert "4 now, up to 5 while it goes on: up to $2.00 an hour more" in text


def test_what_is_not_known_is_not_said() -> None:
    """Without prices there is no sum; without gates that is said plainly."""
    text = plan_text(replace(PLAN, gates=()), None)
    assert "$" not in text
    assert "nothing is judged" in text


@pytest.mark.parametrize(
    ("phase", "told"),
    [
        (Phase.KEEPING, "`llmctl rollback --env test chat` goes back at once"),
        (Phase.DONE, "release 2 serves alone"),
        (Phase.ROLLED_BACK, "rolled back to release 1: too slow"),
        (Phase.PAUSED, "`llmctl promote --env test chat` goes on"),
    ],
)
def test_every_ending_says_what_can_be_done(phase: Phase, told: str) -> None:
    """The next command is printed, ready to be copied."""
    assert told in ending_text(PLAN, Status(phase=phase, since=0, weight=25, reason="too slow"), "test")


@pytest.mark.parametrize(
    ("phase", "told"),
    [
        (Phase.BAKING, "if nobody drives it for 15m, the cloud takes it back"),
        (Phase.PAUSED, "it stays paused"),
        (Phase.KEEPING, "the cloud clears the old replicas away"),
        (Phase.RETURNING, "the cloud takes the rest back"),
    ],
)
def test_an_interrupted_driver_says_what_becomes_of_the_rollout(phase: Phase, told: str) -> None:
    """Nobody closes a laptop without knowing what the cloud does next."""
    text = holding_text(PLAN, Status(phase=phase, since=0, weight=25), "test")
    assert told in text
    assert "`llmctl resume --env test chat` goes on, from any machine" in text


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status(phase=Phase.KEEPING, since=0), ExitCode.OK),
        (Status(phase=Phase.DONE, since=0), ExitCode.OK),
        (Status(phase=Phase.ROLLED_BACK, since=0, cause=Cause.GATE), ExitCode.ROLLED_BACK),
        (Status(phase=Phase.ROLLED_BACK, since=0, cause=Cause.CAPACITY), ExitCode.ROLLED_BACK),
        (Status(phase=Phase.ROLLED_BACK, since=0, cause=Cause.WATCHDOG), ExitCode.ROLLED_BACK),
        (Status(phase=Phase.ROLLED_BACK, since=0, cause=Cause.USER), ExitCode.ROLLED_BACK),
        (Status(phase=Phase.PAUSED, since=0, cause=Cause.INCONCLUSIVE), ExitCode.INCONCLUSIVE),
    ],
)
def test_the_exit_code_tells_how_it_ended(status: Status, code: ExitCode) -> None:
    """Scripts decide by it."""
    assert code_of(status) is code


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0s"), (90, "90s"), (300, "5m"), (7200, "2h"), (605, "10m 5s"), (86400, "24h")]
)
def test_times_are_told_as_the_file_has_them(seconds: float, told: str) -> None:
    """What is shown can be written into the file."""
    assert words(seconds) == told
