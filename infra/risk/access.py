"""Risks of letting more people in, or letting more be done."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from infra.plan.changes import Action, ResourceChange
from infra.plan.values import opened
from infra.risk.types import Found, Rule, Severity, Subject

_POLICIES = frozenset(
    {"aws_iam_role_policy", "aws_s3_bucket_policy", "aws_sns_topic_policy", "aws_iam_policy"}
)
_WORLD = 0
"""Length of the prefix of a range that holds every address."""


def _open(subject: Subject) -> Iterator[Found]:
    for added in _added_ranges(subject):
        if added.prefixlen == _WORLD:
            yield Found("", f"anybody on the internet could connect ({added})")


def _wider(subject: Subject) -> Iterator[Found]:
    for added in _added_ranges(subject):
        if added.prefixlen > _WORLD:
            yield Found("", f"{added} could connect: {added.num_addresses} more addresses")


def _added_ranges(subject: Subject) -> Iterator[ipaddress.IPv4Network]:
    """What the file allows and didn't before; of a new environment, everything that it allows to all."""
    before = [
        ipaddress.ip_network(each) for each in (subject.before.endpoint.allow_cidrs if subject.before else ())
    ]
    for each in subject.after.endpoint.allow_cidrs:
        added = ipaddress.IPv4Network(each)
        is_new = subject.before is not None or added.prefixlen == _WORLD
        if is_new and not any(
            added.subnet_of(old) for old in before if isinstance(old, ipaddress.IPv4Network)
        ):
            yield added


def _no_auth(subject: Subject) -> Iterator[Found]:
    had = subject.before is None or subject.before.endpoint.auth != "none"
    if had and subject.after.endpoint.auth == "none":
        yield Found("", "nobody would need a key any more" if subject.before else "nobody needs a key")


def _plain(subject: Subject) -> Iterator[Found]:
    if subject.before and subject.before.endpoint.domain and not subject.after.endpoint.domain:
        yield Found("", "the endpoint would speak HTTP instead of HTTPS")


def _address(subject: Subject) -> Iterator[Found]:
    if subject.before is None:
        return
    old, new = subject.before.endpoint, subject.after.endpoint
    if (old.domain, old.listener_port) != (new.domain, new.listener_port):
        where = [f"{each.domain or 'the balancer'}:{each.listener_port}" for each in (old, new)]
        yield Found("", f"the endpoint would move from {where[0]} to {where[1]}")
    for name, _, _ in subject.kept:
        paths = [each.path_prefix(name) or "/" for each in (subject.before, subject.after)]
        if old.domain == new.domain and paths[0] != paths[1]:
            yield Found(name, f"{name} would move from {paths[0]} to {paths[1]}")


def _unprotected(subject: Subject) -> Iterator[Found]:
    if subject.before and subject.before.protect and not subject.after.protect:
        yield Found("", "`destroy` would no longer be refused")


def _permissions(subject: Subject) -> Iterator[Found]:
    for change in subject.changes:
        if change.type in _POLICIES and change.action is Action.UPDATE and "policy" in change.after:
            added = sorted(_allowed(change.after) - _allowed(change.before))
            if added:
                yield Found(change.model, f"{change.address} would allow {', '.join(added)} too")


def _allowed(policy: Mapping[str, Any]) -> set[str]:
    """Actions with their resources, as `s3:GetObject on arn...`."""
    document = opened(policy.get("policy") or "")
    statements = document.get("Statement", []) if isinstance(document, dict) else []
    return {
        f"{action} on {resource}"
        for each in _listed(statements)
        if each.get("Effect") == "Allow"
        for action in _listed(each.get("Action", each.get("NotAction", "?")))
        for resource in _listed(each.get("Resource", "*"))
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _weaker(subject: Subject) -> Iterator[Found]:
    for change in subject.changes:
        if change.type == "aws_launch_template":
            yield from (Found(change.model, what) for what in _weaknesses(change))


def _weaknesses(change: ResourceChange) -> Iterator[str]:
    for each in change.differences:
        if each.path.endswith("http_tokens") and each.after != "required":
            yield "instances would answer metadata requests of version 1"
        if each.path.endswith("ebs.0.encrypted") and str(each.after).lower() != "true":
            yield "volumes would not be encrypted"


RULES = (
    Rule(
        id="open-endpoint",
        severity=Severity.DANGER,
        why="Whoever finds the address can send requests, and guess keys.",
        remedy="Name the ranges of your clients in endpoint.allow_cidrs.",
        look=_open,
    ),
    Rule(
        id="wider-endpoint",
        severity=Severity.WARNING,
        why="More machines can reach the endpoint.",
        remedy="Check that the range is yours, and no larger than it must be.",
        look=_wider,
    ),
    Rule(
        id="no-auth",
        severity=Severity.DANGER,
        why="Every machine in endpoint.allow_cidrs can use the models.",
        remedy="Set endpoint.auth to api-key.",
        look=_no_auth,
    ),
    Rule(
        id="plain-http",
        severity=Severity.DANGER,
        why="Keys, prompts and answers can be read on their way.",
        remedy="Keep endpoint.domain.",
        look=_plain,
    ),
    Rule(
        id="address-changes",
        severity=Severity.DANGER,
        why="Clients that aren't changed at the same moment find nothing.",
        remedy="Change clients first where both addresses work, or plan for the gap.",
        look=_address,
    ),
    Rule(
        id="protection-off",
        severity=Severity.WARNING,
        why="From then on one command takes the environment down.",
        remedy="Leave protect at true, unless the environment is about to go.",
        look=_unprotected,
    ),
    Rule(
        id="wider-permissions",
        severity=Severity.WARNING,
        why="What runs with the role could do more than before.",
        remedy="See that each of them is needed, and on nothing but its resource.",
        look=_permissions,
    ),
    Rule(
        id="weaker-instances",
        severity=Severity.DANGER,
        why="Credentials or data of the instances would be easier to take.",
        remedy="Find who changed the launch template: llmctl writes neither.",
        look=_weaker,
    ),
)
