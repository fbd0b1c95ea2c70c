"""What compute does about each combination of EC2 state and machine."""

import pytest

from infra.embedded.compute.decisions import (
    MACHINE_FAILED,
    SPOT_TERMINATION,
    Action,
    Boot,
    Bury,
    Kill,
    Park,
    Running,
    ShutDown,
    decide,
)

ALIVE = Running(alive=True)
DEAD = Running(alive=False)
PARKED = Running(alive=False, parked=True)


@pytest.mark.parametrize(
    ("state", "machine", "expected"),
    [
        ("pending", None, [Boot("i")]),
        ("running", None, [Boot("i")]),
        ("terminated", None, []),
        ("running", ALIVE, []),
        ("shutting-down", ALIVE, [ShutDown("i")]),
        ("terminated", ALIVE, [ShutDown("i")]),
        ("stopped", ALIVE, [ShutDown("i")]),
        (None, ALIVE, [ShutDown("i")]),
        ("stopping", DEAD, [Park("i")]),
        ("stopped", PARKED, []),
        ("pending", PARKED, [Boot("i")]),
        ("terminated", PARKED, [Bury("i", None)]),
        ("running", DEAD, [Bury("i", MACHINE_FAILED)]),
        ("terminated", DEAD, [Bury("i", None)]),
        ("running", Running(alive=False, cause="why"), [Bury("i", "why")]),
        ("terminated", Running(alive=True, kill_at=101.0), []),
        ("terminated", Running(alive=True, kill_at=100.0), [Kill("i", "did not shut down in time")]),
        ("running", Running(alive=True, interrupted_at=101.0), []),
        ("running", Running(alive=True, interrupted_at=100.0), [Kill("i", SPOT_TERMINATION)]),
        ("terminated", Running(alive=True, interrupted_at=100.0), [ShutDown("i")]),
    ],
)
def test_decisions(state: str | None, machine: Running | None, expected: list[Action]) -> None:
    """Each instance gets the one action that brings its machine nearer to its state."""
    states = {} if state is None else {"i": state}
    machines = {} if machine is None else {"i": machine}
    assert decide(states, machines, 100.0) == expected
