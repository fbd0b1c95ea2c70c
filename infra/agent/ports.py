"""What the agent asks of the world: small ports, named by role, so that tests put fakes in their place."""

from collections.abc import Collection
from typing import Protocol

from infra.agent.machine import Action, Notice, Phase, State, Work


class Notices(Protocol):
    """Whether the instance must go."""

    def current(self, now: float) -> Notice | None:
        """The most urgent notice; its deadline on the clock that `now` is on. Never raises."""

    @property
    def standby(self) -> bool:
        """Whether the instance is for a warm pool, as of the last look for a notice."""


class Fetcher(Protocol):
    """Gets what the engine needs before it starts: the key and the weights. Works in the background."""

    def start(self) -> None:
        """Begin, or begin again after a failure; what is already there is kept."""

    def progress(self) -> tuple[Work, str]:
        """How far it is, and a line for people."""

    def cancel(self) -> None:
        """Stop fetching soon."""


class Engine(Protocol):
    """The engine container."""

    def start(self) -> None:
        """Start it. A start that fails shows in `poll`."""

    def poll(self) -> tuple[Work, str]:
        """Whether it runs, and how it ended."""

    def stop(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""


class Probe(Protocol):
    """What the engine answers."""

    def healthy(self) -> bool:
        """Whether its health path answers 200."""

    def in_flight(self) -> int | None:
        """Requests running and waiting; None when it can't be told."""


class Group(Protocol):
    """The autoscaling group this instance is in. Each call returns whether AWS took it; none raises."""

    def complete_launch(self, healthy: bool) -> bool:
        """End the launch hook: in service, or replace me."""

    def prolong_launch(self) -> bool:
        """Ask the launch hook for more time."""

    def complete_termination(self) -> bool:
        """End the terminate hook."""

    def deregister(self) -> bool:
        """Leave the target groups."""


class Reporter(Protocol):
    """Tells operators. Never raises and never waits, but for `flush`."""

    def phase(self, phase: Phase, detail: str) -> None:
        """The replica's phase has changed."""

    def event(self, action: str, result: str) -> None:
        """Something worth remembering happened."""

    def flush(self, seconds: float) -> None:
        """Give what is still to be told at most so long."""


class Telemetry(Protocol):
    """Publishes figures. Never raises and never waits, but for `flush`."""

    def saw(self, before: State, after: State, actions: Collection[Action]) -> None:
        """A round was decided: what it means in numbers."""

    def flush(self, seconds: float) -> None:
        """Publish what there is, waiting at most so long."""
