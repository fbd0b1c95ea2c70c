"""What to do next about each instance: a pure function of what EC2 says and what runs."""

from collections.abc import Mapping
from dataclasses import dataclass

_ALIVE_STATES = frozenset({"pending", "running"})
_STOPPED_STATES = frozenset({"stopping", "stopped"})

MACHINE_FAILED = "Server.InternalError: the instance's machine failed"
SPOT_TERMINATION = "Server.SpotInstanceTermination: Spot instance termination"


@dataclass(frozen=True, kw_only=True)
class Running:
    """An instance's machine, as observed. Times in epoch seconds."""

    alive: bool
    """Whether its first process lives."""
    interrupted_at: float | None = None
    """When the spot market takes it."""
    kill_at: float | None = None
    """While it shuts down: when patience ends."""
    cause: str | None = None
    """Why it was killed, if it was."""
    parked: bool = False
    """Whether it was stopped and is kept, to be booted again."""


@dataclass(frozen=True)
class Boot:
    """Start the instance's machine."""

    id: str


@dataclass(frozen=True)
class ShutDown:
    """Ask the machine to end."""

    id: str


@dataclass(frozen=True)
class Kill:
    """Cut the machine's power."""

    id: str
    cause: str


@dataclass(frozen=True)
class Bury:
    """The machine is gone: free what it had, and if EC2 thinks otherwise, tell it the cause."""

    id: str
    cause: str | None


@dataclass(frozen=True)
class Park:
    """The machine has ended because it was stopped: keep its disk and its address."""

    id: str


Action = Boot | ShutDown | Kill | Bury | Park


def decide(states: Mapping[str, str], machines: Mapping[str, Running], now: float) -> list[Action]:
    """What makes machines match EC2's instance states, by instance id; `now` in epoch seconds."""
    actions: list[Action] = [
        Boot(instance_id)
        for instance_id, state in states.items()
        if state in _ALIVE_STATES and instance_id not in machines
    ]
    for instance_id, machine in machines.items():
        if (action := _about(instance_id, machine, states.get(instance_id), now)) is not None:
            actions.append(action)
    return actions


def _about(instance_id: str, machine: Running, state: str | None, now: float) -> Action | None:
    wanted, stopped = state in _ALIVE_STATES, state in _STOPPED_STATES
    if machine.parked:
        return _about_parked(instance_id, wanted=wanted, stopped=stopped)
    if not machine.alive and stopped:
        return Park(instance_id)
    if not machine.alive:
        return Bury(instance_id, (machine.cause or MACHINE_FAILED) if wanted else None)
    if machine.kill_at is not None:
        return Kill(instance_id, "did not shut down in time") if now >= machine.kill_at else None
    if not wanted:
        return ShutDown(instance_id)
    if machine.interrupted_at is not None and now >= machine.interrupted_at:
        return Kill(instance_id, SPOT_TERMINATION)
    return None


def _about_parked(instance_id: str, *, wanted: bool, stopped: bool) -> Action | None:
    if stopped:
        return None
    return Boot(instance_id) if wanted else Bury(instance_id, None)
