"""Risks that what is created finds no room in the account: balancers, addresses, networks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.plan.changes import Action
from infra.risk.types import Found, Rule, Severity, Subject


@dataclass(frozen=True)
class Counted:
    """Resources of which a region holds only so many."""

    service: str
    """As Service Quotas knows it."""
    code: str
    name: str


COUNTED: Mapping[str, Counted] = {
    "aws_lb": Counted("elasticloadbalancing", "L-53DA6B97", "Application Load Balancers per Region"),
    "aws_eip": Counted("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs"),
    "aws_vpc": Counted("vpc", "L-F678F1CE", "VPCs per Region"),
}
"""By Terraform's type. https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
and https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"""


@dataclass(frozen=True)
class Room:
    """How many there may be, and are."""

    limit: float
    used: int


def _no_room(subject: Subject) -> Iterator[Found]:
    room = subject.account.room if subject.account else {}
    created = [change.type for change in subject.changes if change.action is Action.CREATE]
    for type_, counted in COUNTED.items():
        there, wanted = room.get(type_), created.count(type_)
        if there and wanted and there.used + wanted > there.limit:
            yield Found(
                "",
                f"{wanted} more {type_} beside {there.used}, and {there.limit:g} are allowed "
                f"({counted.name}, {counted.code})",
            )


RULES = (
    Rule(
        id="no-room",
        severity=Severity.DANGER,
        why="The apply stops there: what comes before it exists, what comes after it doesn't.",
        remedy="Ask for more under Service Quotas, or delete what `llmctl inventory --orphans` shows.",
        look=_no_room,
    ),
)
