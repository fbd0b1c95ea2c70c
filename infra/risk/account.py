"""Risks that only the account tells: quotas, and what is offered where."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from infra.environment.capacity import bounds
from infra.environment.instances import catalogue
from infra.environment.model import Model
from infra.environment.slots import Market
from infra.risk.market import Rate
from infra.risk.room import Room
from infra.risk.types import Found, Rule, Severity, Subject

_KINDS = {**dict.fromkeys("acdhimrtz", "standard"), "g": "g", "gr": "g", "p": "p"}
"""Families, without their number, by the quota that they share; Inf, Trn, X and others have their own."""


@dataclass(frozen=True)
class Quota:
    """A limit of vCPUs that run at a time."""

    code: str
    """As Service Quotas knows it, of the service `ec2`."""
    name: str


QUOTAS: Mapping[tuple[str, Market], Quota] = {
    ("g", Market.ON_DEMAND): Quota("L-DB2E81BA", "Running On-Demand G and VT instances"),
    ("g", Market.SPOT): Quota("L-3819A6DF", "All G and VT Spot Instance Requests"),
    ("p", Market.ON_DEMAND): Quota("L-417A185B", "Running On-Demand P instances"),
    ("p4", Market.SPOT): Quota("L-7212CCBC", "All P4, P3 and P2 Spot Instance Requests"),
    ("p5", Market.SPOT): Quota("L-C4BD4855", "All P5 Spot Instance Requests"),
    ("standard", Market.ON_DEMAND): Quota("L-1216C47A", "Running On-Demand Standard instances"),
    ("standard", Market.SPOT): Quota("L-34B43A08", "All Standard Spot Instance Requests"),
}
"""https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html"""


@dataclass(frozen=True, kw_only=True)
class Account:
    """What an account has room for, in the environment's region."""

    limits: Mapping[str, float]
    """vCPUs by quota code; a quota that isn't known is not in it."""
    others: Mapping[str, int]
    """vCPUs by quota code that run already and belong to no replica of this environment."""
    zones: Mapping[str, frozenset[str]]
    """Zones that offer an instance type; a type that nobody could ask about is not in it."""
    room: Mapping[str, Room] = field(default_factory=dict)
    """By the Terraform type of what is counted; one that isn't known is not in it."""
    interruptions: Mapping[str, Rate] = field(default_factory=dict)
    """By instance type; one that isn't known is not in it."""
    unknown: tuple[str, ...] = ()
    """What could not be read, and why."""


def quota(instance_type: str, market: Market) -> Quota | None:
    """The quota that an instance counts against; None for families that have one of their own."""
    named = re.match(r"([a-z]+)(\d)", instance_type)
    if named is None:
        return None
    kind = _KINDS.get(named[1], "")
    if kind == "p" and market is Market.SPOT:
        kind = {"2": "p4", "3": "p4", "4": "p4", "5": "p5"}.get(named[2], "")
    return QUOTAS.get((kind, market))


def _too_small(subject: Subject) -> Iterator[Found]:
    yield from _short(subject, most=False)


def _headroom(subject: Subject) -> Iterator[Found]:
    too_small = {found.model for found in _too_small(subject)}
    yield from (found for found in _short(subject, most=True) if found.model not in too_small)


def _short(subject: Subject, *, most: bool) -> Iterator[Found]:
    """Models whose replicas, at the least or at most, don't fit beside all others' under a quota."""
    if subject.account is None:
        return
    wanted: dict[str, float] = {}
    for name, model in subject.after.models.items():
        for market in Market:
            found = quota(model.instances.types[0], market)
            vcpus = _vcpus(model, market, most=most)
            if found is None or not vcpus:
                continue
            wanted[found.code] = wanted.get(found.code, 0) + vcpus
            limit = subject.account.limits.get(found.code)
            left = None if limit is None else limit - subject.account.others.get(found.code, 0)
            if left is not None and wanted[found.code] > left:
                need = f"{wanted[found.code]:g} vCPUs {'at most' if most else 'at least'}"
                yield Found(name, f"{need}, and {left:g} are left of {limit:g} ({found.name}, {found.code})")


def _vcpus(model: Model, market: Market, *, most: bool) -> int:
    """Of all replicas on a market, each of the largest type."""
    group = bounds(model, market)
    known = [catalogue()[each].vcpus for each in model.instances.types if each in catalogue()]
    fallback = market is Market.SPOT or model.spot.fallback
    return (group.max if most and fallback else group.min) * max(known, default=0)


def _not_offered(subject: Subject) -> Iterator[Found]:
    offered = subject.account.zones if subject.account else {}
    for name, model in subject.after.models.items():
        for type_ in model.instances.types:
            missing = [zone for zone in model.instances.zones if zone not in offered.get(type_, {zone})]
            if missing:
                yield Found(name, f"{type_} is not offered in {', '.join(missing)}")


def _unknown(subject: Subject) -> Iterator[Found]:
    for each in subject.account.unknown if subject.account else ():
        yield Found("", each)


RULES = (
    Rule(
        id="quota-too-small",
        severity=Severity.DANGER,
        why="AWS refuses the launches: the model never has its replicas.",
        remedy="Ask for more under Service Quotas, or for smaller or fewer replicas in the file.",
        look=_too_small,
    ),
    Rule(
        id="quota-headroom",
        severity=Severity.WARNING,
        why="It can't grow to its maximum, nor be replaced on demand when spot is gone.",
        remedy="Ask for more under Service Quotas, or lower replicas.max or spot.most_on_demand.",
        look=_headroom,
    ),
    Rule(
        id="not-offered",
        severity=Severity.WARNING,
        why="That pool never has capacity: fewer pools, and more interruptions.",
        remedy="Name other zones or types.",
        look=_not_offered,
    ),
    Rule(
        id="account-unknown",
        severity=Severity.NOTE,
        why="What it would tell of quotas and offers could not be checked.",
        remedy="Allow servicequotas:GetServiceQuota, elasticloadbalancing:Describe* and ec2:Describe*.",
        look=_unknown,
    ),
)
