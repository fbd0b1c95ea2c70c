"""What deploy, status and destroy need from the outside world.

`infra/aws` implements the ports; tests have one recording fake each.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from infra.deploy.types import Group, Health, Live, Report, Rollout, Schedule
from infra.environment.slots import Slot


class Fleet(Protocol):
    """Autoscaling groups and releases."""

    def groups(self) -> tuple[Group, ...]:
        """All groups of the environment, with their instances."""

    def resize(self, group: str, *, minimum: int, desired: int) -> None:
        """Set a group's runtime-owned sizes."""

    def pin(self, group: str, release: int) -> None:
        """Make a group boot this release from now on."""

    def put_schedule(self, group: str, schedule: Schedule) -> None:
        """Make a group carry out a schedule; one of its name is replaced."""

    def drop_schedule(self, group: str, name: str) -> None:
        """Make a group forget a schedule."""

    def latest_releases(self) -> Mapping[str, int]:
        """Newest launch template version of each model."""

    def launched(self) -> Mapping[str, datetime]:
        """Launch time of each running instance."""


class Balancer(Protocol):
    """The environment's load balancer."""

    def address(self) -> str | None:
        """Its DNS name, or None when it doesn't exist."""

    def weights(self) -> Mapping[str, Mapping[Slot, int]]:
        """Weights of each model's slots."""

    def health(self, slots: Collection[tuple[str, Slot]]) -> Mapping[str, Health]:
        """Health of each registered instance in these slots (model, slot)."""


class Runtime(Protocol):
    """The runtime table."""

    def live(self) -> Mapping[str, Live]:
        """What is recorded as live, by model."""

    def make_live(self, model: str, slot: Slot, release: int) -> None:
        """Record the first live release of a model; raises `LlmctlError` (conflict) if another did."""

    def forget(self, model: str) -> None:
        """Drop all records of a model that is no longer there, those of its rollouts included."""

    def rollouts(self) -> Mapping[str, Rollout]:
        """The current or last rollout of each model that ever had one."""

    def reports(self) -> Mapping[str, Report]:
        """What the agents last said, by instance."""

    def record(self, action: str, target: str, result: str) -> None:
        """Append to the audit log."""


class ApiKey(Protocol):
    """The endpoint's key."""

    def ensure(self) -> bool:
        """Create the key if there is none; true if it was created."""

    def read(self) -> str:
        """The key."""


class Clock(Protocol):
    """Time, injected."""

    def now(self) -> datetime:
        """The present, with a time zone."""

    def sleep(self, seconds: float) -> None:
        """Wait."""
