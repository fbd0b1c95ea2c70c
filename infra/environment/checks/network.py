"""A network is either llmctl's own, with room for its subnets, or an existing one that is fully described."""

import ipaddress
from collections.abc import Iterator

from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.document import Place
from infra.environment.model import Network

_WIDEST, _NARROWEST = 16, 20
_PRIVATE = tuple(
    map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
)


def _check(subject: Subject) -> Iterator[Finding]:
    network = subject.environment.network
    if (network.cidr is None) == (network.vpc_id is None):
        yield Finding(
            place=("network",),
            what="needs cidr or vpc_id, and not both" if network.cidr else "needs cidr or vpc_id",
            why="a network is either llmctl's own or an existing one",
            allowed="cidr: 10.20.0.0/16, or vpc_id with private_subnets and public_subnets",
            at_key=True,
        )
    elif network.cidr is not None:
        yield from _own(subject, network.cidr)
    else:
        yield from _existing(subject, network)


def _own(subject: Subject, cidr: str) -> Iterator[Finding]:
    place = ("network", "cidr")
    for key in ("private_subnets", "public_subnets"):
        if subject.given("network", key):
            yield Finding(
                place=("network", key),
                what=f"{key} go with vpc_id",
                why="in a network of its own llmctl makes the subnets",
                at_key=True,
            )
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError as error:
        yield Finding(place=place, what=f"{cidr} isn't a network: {_reason(error)}", hint=corrected(cidr))
        return
    if not any(network.subnet_of(each) for each in _PRIVATE):
        yield Finding(
            place=place,
            what=f"{cidr} isn't a private range",
            why="instances could not reach the real owners of its addresses",
            allowed="ranges in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10",
        )
    if not _WIDEST <= network.prefixlen <= _NARROWEST:
        yield Finding(
            place=place,
            what=f"/{network.prefixlen} is too {'wide' if network.prefixlen < _WIDEST else 'narrow'}",
            why="a VPC has at most a /16, and each zone needs a public and a private subnet",
            allowed=f"/{_WIDEST} to /{_NARROWEST}",
        )


def _existing(subject: Subject, network: Network) -> Iterator[Finding]:
    assert network.vpc_id is not None
    if not network.vpc_id.startswith("vpc-"):
        yield Finding(
            place=("network", "vpc_id"), what=f"{network.vpc_id} isn't a VPC's id", allowed="vpc-..."
        )
    if subject.given("network", "egress"):
        yield Finding(
            place=("network", "egress"),
            what="egress goes with cidr",
            why="an existing network keeps its own routes",
            at_key=True,
        )
    wanted = (("private_subnets", network.private_subnets, 1), ("public_subnets", network.public_subnets, 2))
    for key, subnets, least in wanted:
        if len(set(subnets)) < least:
            yield Finding(
                place=("network", key),
                what=f"{len(set(subnets))} of the {least} subnets that are needed",
                why="the load balancer spans two zones" if least > 1 else "instances start in them",
                allowed="subnet-..., one for each zone",
            )
        for index, subnet in enumerate(subnets):
            if not subnet.startswith("subnet-"):
                yield Finding(
                    place=("network", key, index), what=f"{subnet} isn't a subnet's id", allowed="subnet-..."
                )


def unreadable(cidr: str, place: Place) -> Iterator[Finding]:
    """What is wrong with a range of clients, if anything."""
    try:
        ipaddress.IPv4Network(cidr)
    except ValueError:
        yield Finding(
            place=place,
            what=f"{cidr} isn't a network",
            why="a number is out of range, or bits right of the prefix are set",
            hint=corrected(cidr),
        )


def corrected(cidr: str) -> str:
    """What a range with host bits was probably meant to be."""
    try:
        return f"did you mean {ipaddress.IPv4Network(cidr, strict=False)}?"
    except ValueError:
        return ""


def _reason(error: ValueError) -> str:
    return "bits right of the prefix are set" if "host bits" in str(error) else "a number is out of range"


RULE = Rule(
    id="network",
    summary="`cidr` is private and /16 to /20; or `vpc_id` comes with its subnets, two of them public.",
    check=_check,
)
