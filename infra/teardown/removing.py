"""Removes what Terraform doesn't know of, until nothing is left or nothing moves any more.

Most resources can't go before others have, and some take minutes to go (NAT gateways, load balancers' network
interfaces). So each round asks for everything that is still there, in an order that mostly fits; what is
refused is asked for again in the next round.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from infra.deploy.ports import Clock
from infra.errors import LlmctlError, Refused
from infra.teardown.types import Resource

PATIENCE = 900.0
"""Seconds. NAT gateways and a balancer's network interfaces are gone within minutes."""
_STEP = 5.0

ORDER = (
    "event rule",
    "lambda function",
    "experiment template",
    "autoscaling group",
    "ec2 instance",
    "cloudwatch alarm",
    "cloudwatch dashboard",
    "dns record",
    "load balancer",
    "target group",
    "certificate",
    "sns topic",
    "ec2 launch template",
    "ec2 volume",
    "iam instance profile",
    "iam role",
    "ec2 vpc endpoint",
    "ec2 nat gateway",
    "ec2 elastic address",
    "ec2 internet gateway",
    "ec2 security group",
    "ec2 route table",
    "ec2 subnet",
    "ec2 vpc",
    "secret",
    "s3 bucket",
    "dynamodb table",
    "log group",
)
"""Who uses something goes before what it uses; what acts by itself goes first, what keeps data last."""


@dataclass(frozen=True)
class Left:
    """A resource that could not be removed, and the service's words for why."""

    resource: Resource
    reason: str


class Remover(Protocol):
    """Deletes in a cloud."""

    def remove(self, resource: Resource) -> None:
        """Delete one resource, if it exists; raises `LlmctlError` where something is in its way."""
        ...


def in_order(resources: tuple[Resource, ...]) -> tuple[Resource, ...]:
    """In the order of removal."""
    return tuple(sorted(resources, key=lambda each: (ORDER.index(each.kind), each)))


def remove_all(
    look: Callable[[], tuple[Resource, ...]],
    remover: Remover,
    clock: Clock,
    tell: Callable[[str], None],
    *,
    patience: float = PATIENCE,
) -> tuple[Left, ...]:
    """Remove what `look` finds until it finds nothing; else what is left, with reasons.

    `patience`: seconds to go on for while nothing goes any more; not at all when everything that is left was
    denied, because permissions don't come by waiting.
    """
    deadline = clock.now() + timedelta(seconds=patience)
    asked: set[Resource] = set()
    while found := in_order(look()):
        failures = {each: error for each in found if (error := _attempt(remover, each))}
        removed = [each for each in found if each not in failures and each not in asked]
        for each in removed:
            tell(f"removed {each.kind} {each.id}")
        asked.update(removed)
        if removed:
            continue
        hopeless = all(isinstance(failures.get(each), Refused) for each in found)
        if hopeless or clock.now() >= deadline:
            return tuple(Left(each, _reason(failures.get(each))) for each in found)
        clock.sleep(_STEP)
    return ()


def settled(
    look: Callable[[], tuple[Resource, ...]], clock: Clock, *, patience: float
) -> tuple[Resource, ...]:
    """What `look` finds; asked again for `patience` seconds while there is something: services lag behind."""
    deadline = clock.now() + timedelta(seconds=patience)
    while (found := look()) and clock.now() < deadline:
        clock.sleep(_STEP)
    return found


def _attempt(remover: Remover, resource: Resource) -> LlmctlError | None:
    try:
        remover.remove(resource)
    except LlmctlError as error:
        return error
    return None


def _reason(error: LlmctlError | None) -> str:
    return error.message if error else "its deletion was asked for, and it still exists"
