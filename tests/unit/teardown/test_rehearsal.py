"""A destroy is told in its order before it happens, strangers to the state included."""

from datetime import UTC, datetime
from typing import Any

from infra.aws.states import StateOf
from infra.cost.prices import snapshot
from infra.cost.resources import ResourcePrices
from infra.teardown.orphans import orphans
from infra.teardown.rehearsal import Rehearsal, strangers, waves
from infra.teardown.types import Resource, priced

PLAN: dict[str, Any] = {
    "resource_changes": [
        {"address": address, "change": {"actions": ["delete"]}}
        for address in ("aws_vpc.v", "aws_subnet.a", "aws_subnet.b", "aws_lb.l")
    ]
    + [{"address": "aws_s3_bucket.kept", "change": {"actions": ["no-op"]}}],
    "prior_state": {
        "values": {
            "root_module": {
                "resources": [
                    {"address": "aws_vpc.v", "mode": "managed", "values": {"id": "vpc-1"}},
                    {
                        "address": "aws_subnet.a",
                        "mode": "managed",
                        "values": {"id": "subnet-a"},
                        "depends_on": ["aws_vpc.v", "data.aws_ami.x"],
                    },
                    {
                        "address": "aws_subnet.b",
                        "mode": "managed",
                        "values": {"id": "subnet-b"},
                        "depends_on": ["aws_vpc.v"],
                    },
                    {
                        "address": "aws_lb.l",
                        "mode": "managed",
                        "values": {"id": "arn:lb", "name": "lb"},
                        "depends_on": ["aws_subnet.a", "aws_subnet.b", "aws_vpc.v"],
                    },
                    {
                        "address": "aws_route53_record.r",
                        "mode": "managed",
                        "values": {"id": "Z1_*.llm.example.com_A"},
                    },
                    {
                        "address": "aws_route53_record.proof",
                        "mode": "managed",
                        "values": {"id": "Z1__1.llm.example.com._CNAME"},
                    },
                    {"address": "data.aws_ami.x", "mode": "data", "values": {"id": "ami-1"}},
                ]
            }
        }
    },
}


def test_newest_dependents_go_first() -> None:
    """What others need goes after them; what nobody waits for goes together."""
    assert waves(PLAN) == (("aws_lb.l",), ("aws_subnet.a", "aws_subnet.b"), ("aws_vpc.v",))


def test_an_empty_plan_has_no_waves() -> None:
    """Nothing deployed, nothing to do."""
    assert waves({}) == ()
    assert Rehearsal("x", protected=False, drain=(), strangers=(), waves=()).is_empty


def test_strangers_are_what_no_state_knows() -> None:
    """What the state lists, and what groups make themselves, is not told twice."""
    found = (
        Resource("x", "ec2 vpc", "vpc-1"),
        Resource("x", "ec2 vpc", "vpc-2"),
        Resource("x", "ec2 instance", "i-1"),
        Resource("x", "dns record", "Z1 \\052.llm.example.com. A"),
        Resource("x", "dns record", "Z1 _1.llm.example.com. CNAME"),
        Resource("x", "dns record", "Z1 llm.example.com. A"),
    )
    assert [each.id for each in strangers(found, PLAN)] == ["Z1 llm.example.com. A", "vpc-2"]


def test_orphans_have_no_state_or_an_empty_one() -> None:
    """An environment whose state lists resources can be destroyed by it, and is nobody's orphan."""
    found = tuple(Resource(name, "ec2 vpc", f"vpc-{name}") for name in ("alive", "crashed", "gone"))
    states = {"alive": StateOf(3), "crashed": StateOf(0)}
    assert [each.environment for each in orphans(found, states)] == ["crashed", "gone"]


def test_age_and_price_are_unknown_rather_than_wrong() -> None:
    """A service that tells no time, and a price that nobody knows, are told as such."""
    now = datetime(2026, 1, 2, tzinfo=UTC)
    old = Resource("x", "load balancer", "arn", datetime(2026, 1, 1, tzinfo=UTC))
    lines = priced((old, Resource("x", "ec2 vpc", "vpc-1")), ResourcePrices(snapshot("sa-east-1")), now)
    assert [line.age for line in lines] == [86400.0, None]
    assert lines[0].monthly
    assert lines[1].monthly is None
