"""Warm pools: what they launch, stop, start and end."""

import pytest

from infra.embedded.aws.fleet import End, Hook, Lifecycle, Member, Move, Wait
from infra.embedded.aws.warm_pool import Pool, Stop, Warm, decide, ready, size

NOW = 1_000.0
HOOK = Hook(name="up", launching=True, heartbeat_timeout=60, default_result="ABANDON")


def member(name: str, lifecycle: Lifecycle, ec2_state: str = "running", **changes: object) -> Member:
    """An on-demand instance of a pool."""
    defaults: dict[str, object] = {
        "id": name,
        "zone": "a",
        "instance_type": "g5.xlarge",
        "market": "on-demand",
        "lifecycle": lifecycle,
        "ec2_state": ec2_state,
        "launched": 0.0,
    }
    return Member(**(defaults | changes))  # type: ignore[arg-type]


def waiting(result: str | None) -> Member:
    """One whose hook is open, or was completed."""
    wait = Wait(hook="up", started=NOW, deadline=NOW + 60, default_result="ABANDON", result=result)
    return member("i-1", Lifecycle.WARMED_PENDING_WAIT, waits=(wait,))


@pytest.mark.parametrize(
    ("minimum", "prepared", "desired", "expected"),
    [(0, None, 3, 5), (0, 4, 3, 1), (0, 4, 6, 0), (2, 2, 6, 2), (2, 2, 0, 2), (0, -1, 3, 5)],
)
def test_size_is_what_the_user_guide_says(
    minimum: int, prepared: int | None, desired: int, expected: int
) -> None:
    """Prepared capacity (the maximum of 8, if not said) less desired; the minimum makes it absolute."""
    assert size(minimum, prepared, desired, maximum=8) == expected


def test_missing_ones_are_launched_and_surplus_ends() -> None:
    """One step for each; those lost are replaced in the same round."""
    stopped = [member(f"i-{number}", Lifecycle.WARMED_STOPPED, "stopped") for number in range(3)]
    assert decide(Pool(size=5, members=(*stopped,)), NOW) == (Warm(), Warm())
    assert decide(Pool(size=1, members=(*stopped,)), NOW) == (End(member="i-1"), End(member="i-2"))
    lost = member("i-1", Lifecycle.WARMED_STOPPED, "terminated")
    assert decide(Pool(size=1, members=(lost,)), NOW) == (End(member="i-1"), Warm())


def test_one_boots_waits_for_its_hook_and_is_stopped() -> None:
    """The hooks of a launch, then a stop."""
    pending = member("i-1", Lifecycle.WARMED_PENDING)
    (move,) = decide(Pool(size=1, hooks=(HOOK,), members=(pending,)), NOW)
    assert isinstance(move, Move)
    assert (move.to, len(move.waits)) == (Lifecycle.WARMED_PENDING_WAIT, 1)
    assert decide(Pool(size=1, members=(waiting(None),)), NOW) == ()
    (done,) = decide(Pool(size=1, members=(waiting("CONTINUE"),)), NOW)
    assert done == Move(member="i-1", to=Lifecycle.WARMED_PENDING_PROCEED)
    proceeding = member("i-1", Lifecycle.WARMED_PENDING_PROCEED)
    assert decide(Pool(size=1, members=(proceeding,)), NOW) == (Stop("i-1"),)


def test_one_that_gives_up_is_replaced() -> None:
    """An agent that abandons its launch takes no place in the pool."""
    assert decide(Pool(size=1, members=(waiting("ABANDON"),)), NOW) == (End(member="i-1"), Warm())


def test_the_longest_stopped_of_the_market_is_started() -> None:
    """One that still boots or stops isn't ready."""
    pool = [
        member("i-1", Lifecycle.WARMED_PENDING),
        member("i-2", Lifecycle.WARMED_STOPPED, "stopping"),
        member("i-3", Lifecycle.WARMED_STOPPED, "stopped", launched=9.0),
        member("i-4", Lifecycle.WARMED_STOPPED, "stopped", launched=5.0),
    ]
    chosen = ready(pool, "on-demand")
    assert chosen
    assert chosen.id == "i-4"
    assert ready(pool, "spot") is None
