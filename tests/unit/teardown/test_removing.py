"""Removal goes in an order, again and again, until nothing is left or nothing helps."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from infra.aws.inventory import KINDS
from infra.aws.removal import DELETE
from infra.errors import LlmctlError, Refused
from infra.teardown.removing import ORDER, Left, in_order, remove_all
from infra.teardown.types import Resource

VPC = Resource("old", "ec2 vpc", "vpc-1")
SUBNET = Resource("old", "ec2 subnet", "subnet-1")
GATEWAY = Resource("old", "ec2 nat gateway", "nat-1")


class Clock:
    """Jumps."""

    def __init__(self) -> None:
        self.slept = 0.0

    def now(self) -> datetime:
        """The present."""
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.slept)

    def sleep(self, seconds: float) -> None:
        """Jump."""
        self.slept += seconds


class Cloud:
    """A few resources; `refuses` tells why one can't go now."""

    def __init__(self, *there: Resource, refuses: Callable[[Resource], LlmctlError | None]) -> None:
        self.there = list(there)
        self.refuses = refuses
        self.said: list[str] = []
        self.clock = Clock()

    def remove(self, resource: Resource) -> None:
        """Delete, or refuse."""
        if error := self.refuses(resource):
            raise error
        self.there.remove(resource)

    def empty(self, patience: float = 60) -> tuple[Left, ...]:
        """Remove everything."""
        return remove_all(lambda: tuple(self.there), self, self.clock, self.said.append, patience=patience)


def test_every_kind_of_the_inventory_has_a_place_and_a_deletion() -> None:
    """What can be found can be removed: a new probe comes with both."""
    assert set(ORDER) == KINDS == DELETE.keys()
    assert len(ORDER) == len(set(ORDER))


def test_dependents_go_first() -> None:
    """A network outlives what is in it."""
    assert in_order((VPC, SUBNET, GATEWAY)) == (GATEWAY, SUBNET, VPC)


def test_what_is_in_the_way_is_waited_for() -> None:
    """A gateway takes minutes; what depends on it is asked for again until it goes."""
    cloud = Cloud(
        VPC,
        SUBNET,
        refuses=lambda each: LlmctlError("DependencyViolation") if cloud.clock.slept < 30 else None,
    )
    assert cloud.empty() == ()
    assert cloud.said == ["removed ec2 subnet subnet-1", "removed ec2 vpc vpc-1"]


def test_patience_ends_and_the_reason_is_told() -> None:
    """What never goes is left, with the service's own words, and the rest is gone nevertheless."""
    cloud = Cloud(VPC, SUBNET, refuses=lambda each: LlmctlError("in use") if each is VPC else None)
    assert cloud.empty() == (Left(VPC, "in use"),)
    assert cloud.clock.slept >= 60


def test_denied_deletions_are_not_repeated() -> None:
    """Permissions don't come by waiting."""
    cloud = Cloud(VPC, SUBNET, refuses=lambda each: Refused("denied") if each is VPC else None)
    assert cloud.empty() == (Left(VPC, "denied"),)
    assert cloud.clock.slept == 0


def test_a_slow_deletion_is_told_once() -> None:
    """A service may list for a while what it is deleting."""

    class Slow(Cloud):
        def remove(self, resource: Resource) -> None:
            if self.clock.slept > 20:
                super().remove(resource)

    cloud = Slow(GATEWAY, refuses=lambda each: None)
    assert cloud.empty() == ()
    assert cloud.said == ["removed ec2 nat gateway nat-1"]
