"""Whether what a plan creates finds room in the account."""

import pytest

from infra.risk.account import Account
from infra.risk.registry import judge
from infra.risk.room import Room
from infra.risk.types import Subject
from tests.unit.plan.documents import change
from tests.unit.risk.prepared import BEFORE, changes


def told(room: dict[str, Room], *addresses: str, action: str = "create") -> list[tuple[str, str]]:
    """Rule and words of what is found when these resources change."""
    planned = changes(*(change(each, [action], {}, {}) for each in addresses))
    account = Account(limits={}, others={}, zones={}, room=room)
    return [(risk.id, risk.what) for risk in judge(Subject(BEFORE, BEFORE, planned, account))]


@pytest.mark.parametrize(("used", "found"), [(4, 0), (5, 1)])
def test_a_balancer_needs_room(used: int, found: int) -> None:
    """The last place may be taken, and none beyond it."""
    assert len(told({"aws_lb": Room(5, used)}, "aws_lb.endpoint")) == found


def test_every_new_one_counts() -> None:
    """Three NAT gateways take three addresses."""
    addresses = [f"aws_eip.nat_{zone}" for zone in "abc"]
    ((rule, what),) = told({"aws_eip": Room(5, 3)}, *addresses)
    assert rule == "no-room"
    assert what == "3 more aws_eip beside 3, and 5 are allowed (EC2-VPC Elastic IPs, L-0263D0A3)"


def test_what_is_there_already_needs_none() -> None:
    """A full account may be changed, and what isn't known is not blamed."""
    assert told({"aws_lb": Room(5, 5)}, "aws_lb.endpoint", action="update") == []
    assert told({}, "aws_lb.endpoint") == []
