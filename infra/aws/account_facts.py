"""Reads what an account has room for: quotas, what runs, offers. What can't be read is said, not guessed."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from infra.aws.session import Session, translated
from infra.aws.spot_advisor import SpotAdvisor
from infra.environment import names
from infra.environment.instances import catalogue
from infra.environment.model import Environment
from infra.environment.slots import Market
from infra.errors import LlmctlError
from infra.risk.account import Account, quota
from infra.risk.room import COUNTED, Room

T = TypeVar("T")
_RUNNING = ["pending", "running"]


def account_facts(session: Session, environment: Environment, advisor: SpotAdvisor, now: datetime) -> Account:
    """What the environment's file makes one want to know. Never fails."""
    unknown: list[str] = []
    types = {each for model in environment.models.values() for each in model.instances.types}
    codes = {
        found.code: found.name
        for each in types
        for market in Market
        if (found := quota(each, market)) is not None
    }
    limits = {}
    for code, name in codes.items():
        limit = _asked(f"the quota {name} ({code})", partial(_limit, session, "ec2", code), unknown)
        if limit is not None:
            limits[code] = limit
    others = _asked("running instances", lambda: _others(session, environment), unknown)
    zones = _asked("offers of instance types", lambda: _zones(session, types), unknown)
    rates = _asked("interruptions", lambda: advisor.rates(session.region, now), unknown)
    return Account(
        limits=limits,
        others=others or {},
        zones=zones or {},
        room=_room(session, unknown),
        interruptions=rates or {},
        unknown=tuple(unknown),
    )


def _room(session: Session, unknown: list[str]) -> dict[str, Room]:
    found = {}
    for type_, counted in COUNTED.items():
        what = f"the quota {counted.name} ({counted.code})"
        limit = _asked(what, partial(_limit, session, counted.service, counted.code), unknown)
        used = _asked(counted.name, partial(_HOW_MANY[type_], session), unknown)
        if limit is not None and used is not None:
            found[type_] = Room(limit, used)
    return found


def _load_balancers(session: Session) -> int:
    pages = session.client("elbv2").get_paginator("describe_load_balancers").paginate()
    return sum(each["Type"] == "application" for page in pages for each in page["LoadBalancers"])


def _addresses(session: Session) -> int:
    return len(session.ec2.describe_addresses()["Addresses"])


def _networks(session: Session) -> int:
    return sum(len(page["Vpcs"]) for page in session.ec2.get_paginator("describe_vpcs").paginate())


_HOW_MANY: Mapping[str, Callable[[Session], int]] = {
    "aws_lb": _load_balancers,
    "aws_eip": _addresses,
    "aws_vpc": _networks,
}


def _asked(what: str, ask: Callable[[], T], unknown: list[str]) -> T | None:
    try:
        with translated(f"reading {what}"):
            return ask()
    except LlmctlError as error:
        unknown.append(f"{what}: {error.message.splitlines()[0]}")
        return None


def _limit(session: Session, service: str, code: str) -> float:
    answer = session.client("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)
    return float(answer["Quota"]["Value"])


def _others(session: Session, environment: Environment) -> Counter[str]:
    """The vCPUs of everybody else's instances, by the quota that they count against."""
    found: Counter[str] = Counter()
    filters: Any = [{"Name": "instance-state-name", "Values": _RUNNING}]
    for page in session.ec2.get_paginator("describe_instances").paginate(Filters=filters):
        for reservation in page["Reservations"]:
            for instance in reservation["Instances"]:
                tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
                if tags.get(names.TAG_ENVIRONMENT) == environment.environment:
                    continue
                market = Market.SPOT if instance.get("InstanceLifecycle") == "spot" else Market.ON_DEMAND
                counted, known = (
                    quota(instance["InstanceType"], market),
                    catalogue().get(instance["InstanceType"]),
                )
                if counted and known:
                    found[counted.code] += known.vcpus
    return found


def _zones(session: Session, types: Iterable[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {each: set() for each in types}
    filters: Any = [{"Name": "instance-type", "Values": sorted(found)}]
    pages = session.ec2.get_paginator("describe_instance_type_offerings").paginate(
        LocationType="availability-zone", Filters=filters
    )
    for page in pages:
        for each in page["InstanceTypeOfferings"]:
            found.setdefault(each["InstanceType"], set()).add(each["Location"])
    return {type_: frozenset(zones) for type_, zones in found.items()}
