"""What is the account's rather than a region's: roles and DNS records; certificates, which those prove."""

import re
from collections.abc import Iterator
from typing import Any

from infra.aws.probes.scope import Scope, tags_of
from infra.aws.session import Session
from infra.environment import names
from infra.teardown.types import Resource

_ALIAS = r"(?:dualstack\.)?{balancer}-[0-9a-f]+\.{region}\.elb\.amazonaws\.com(?:\.cn)?\.?"


def identity(session: Session, scope: Scope) -> Iterator[Resource]:
    """Roles and instance profiles: made with their tags in one call, so the tag alone decides."""
    iam, prefix = session.iam, names.stack(scope.environment or "")
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            name = role["RoleName"]
            if name.startswith(prefix):
                tags = tags_of(iam.get_role(RoleName=name)["Role"].get("Tags"))  # lists don't tell them
                if owner := scope.owner(tags):
                    yield Resource(owner, "iam role", name, role["CreateDate"])
    for profiles in iam.get_paginator("list_instance_profiles").paginate():
        for profile in profiles["InstanceProfiles"]:
            name = profile["InstanceProfileName"]
            if name.startswith(prefix):
                told = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
                if owner := scope.owner(tags_of(told.get("Tags"))):
                    yield Resource(owner, "iam instance profile", name, profile["CreateDate"])


def certificates(session: Session, scope: Scope) -> Iterator[Resource]:
    """Certificates."""
    for owner, summary in _certificates(session, scope):
        yield Resource(owner, "certificate", summary["CertificateArn"], summary.get("CreatedAt"))


def records(session: Session, scope: Scope) -> Iterator[Resource]:
    """Records carry no tags: an environment's own lead to its balancer, or prove its certificate."""
    route53 = session.client("route53")
    proofs = {proof: owner for owner, proof in _proofs(session, scope)}
    for zone in route53.list_hosted_zones()["HostedZones"]:
        if not _may_hold(zone["Name"], scope):
            continue
        for page in route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone["Id"]):
            for record in page["ResourceRecordSets"]:
                owner = proofs.get(record["Name"].rstrip(".")) or _leads_to(record, session.region)
                if owner and scope.owner({}, owner):
                    place = zone["Id"].rpartition("/")[2]
                    yield Resource(owner, "dns record", f"{place} {record['Name']} {record['Type']}")


def _certificates(session: Session, scope: Scope) -> Iterator[tuple[str, Any]]:
    if scope.domains == ():
        return
    acm = session.client("acm")
    for page in acm.get_paginator("list_certificates").paginate():
        for summary in page["CertificateSummaryList"]:
            told = acm.list_tags_for_certificate(CertificateArn=summary["CertificateArn"])["Tags"]
            if owner := scope.owner(tags_of(told)):
                yield owner, summary


def _proofs(session: Session, scope: Scope) -> Iterator[tuple[str, str]]:
    """Names of the records that prove certificates."""
    acm = session.client("acm")
    for owner, summary in _certificates(session, scope):
        told = acm.describe_certificate(CertificateArn=summary["CertificateArn"])["Certificate"]
        for option in told.get("DomainValidationOptions", ()):
            if record := option.get("ResourceRecord"):
                yield owner, record["Name"].rstrip(".")


def _may_hold(zone: str, scope: Scope) -> bool:
    return scope.domains is None or any(f".{domain}.".endswith(f".{zone}") for domain in scope.domains)


def _leads_to(record: Any, region: str) -> str:
    """The environment whose balancer an alias leads to, in this region; empty if to none."""
    balancer = names.balancer("(NAME)").replace("(NAME)", "(?P<name>.+)")
    found = re.fullmatch(
        _ALIAS.format(balancer=balancer, region=region), record.get("AliasTarget", {}).get("DNSName", "")
    )
    return found["name"] if found else ""
