"""EC2, autoscaling, load balancing: all of it carries tags."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from infra.aws.experiments import templates
from infra.aws.probes.scope import Scope, tags_of
from infra.aws.session import Session
from infra.teardown.types import Resource

_TAGS_PER_CALL = 20


@dataclass(frozen=True)
class _Ec2Kind:
    """A kind of EC2 resource: the call that lists it, and where list, id and time are in the answer."""

    kind: str
    operation: str
    key: str
    id: str
    created: str = ""


_EC2 = (
    _Ec2Kind("elastic address", "describe_addresses", "Addresses", "AllocationId"),
    _Ec2Kind("instance", "describe_instances", "Reservations", "InstanceId", "LaunchTime"),
    _Ec2Kind("internet gateway", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    _Ec2Kind(
        "launch template", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId", "CreateTime"
    ),
    _Ec2Kind("nat gateway", "describe_nat_gateways", "NatGateways", "NatGatewayId", "CreateTime"),
    _Ec2Kind("route table", "describe_route_tables", "RouteTables", "RouteTableId"),
    _Ec2Kind("security group", "describe_security_groups", "SecurityGroups", "GroupId"),
    _Ec2Kind("subnet", "describe_subnets", "Subnets", "SubnetId"),
    _Ec2Kind("volume", "describe_volumes", "Volumes", "VolumeId", "CreateTime"),
    _Ec2Kind("vpc", "describe_vpcs", "Vpcs", "VpcId"),
    _Ec2Kind("vpc endpoint", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", "CreationTimestamp"),
)
EC2_KINDS = frozenset(f"ec2 {each.kind}" for each in _EC2)
_GONE = ("terminated", "deleted", "deleting", "Deleted", "Deleting")
"""States in which EC2 still lists a resource that is no more, or that nobody pays for."""


def ec2(session: Session, scope: Scope) -> Iterator[Resource]:
    """Everything of EC2."""
    for kind in _EC2:
        found = _described(session.ec2, kind, scope.filters())
        if kind.operation == "describe_instances":
            found = chain.from_iterable(reservation["Instances"] for reservation in found)
        for each in found:
            owner = scope.owner(tags_of(each.get("Tags")))
            if owner and _state(each) not in _GONE:
                yield Resource(
                    owner,
                    f"ec2 {kind.kind}",
                    each[kind.id],
                    each.get(kind.created),
                    type=each.get("InstanceType") or each.get("VolumeType", ""),
                    market=each.get("InstanceLifecycle", "on-demand") if "InstanceType" in each else "",
                    size_gib=each.get("Size"),
                )


def _described(client: Any, kind: _Ec2Kind, filters: list[Any]) -> Iterable[Mapping[str, Any]]:
    if client.can_paginate(kind.operation):
        pages = client.get_paginator(kind.operation).paginate(Filters=filters)
    else:
        pages = [getattr(client, kind.operation)(Filters=filters)]
    return chain.from_iterable(page[kind.key] for page in pages)


def _state(description: Mapping[str, Any]) -> str:
    state = description.get("State", "")
    return str(state["Name"] if isinstance(state, dict) else state)


def autoscaling_groups(session: Session, scope: Scope) -> Iterator[Resource]:
    """Autoscaling groups."""
    filters: Any = scope.filters()
    pages = session.autoscaling.get_paginator("describe_auto_scaling_groups").paginate(Filters=filters)
    for page in pages:
        for group in page["AutoScalingGroups"]:
            if owner := scope.owner(tags_of(group.get("Tags"))):
                yield Resource(
                    owner, "autoscaling group", group["AutoScalingGroupName"], group.get("CreatedTime")
                )


def load_balancing(session: Session, scope: Scope) -> Iterator[Resource]:
    """Load balancers and target groups: listeners and rules go with their balancer."""
    created: dict[str, datetime | None] = {}
    for page in session.elbv2.get_paginator("describe_load_balancers").paginate():
        created |= {each["LoadBalancerArn"]: each.get("CreatedTime") for each in page["LoadBalancers"]}
    for groups in session.elbv2.get_paginator("describe_target_groups").paginate():
        created |= {each["TargetGroupArn"]: None for each in groups["TargetGroups"]}
    arns = list(created)
    for start in range(0, len(arns), _TAGS_PER_CALL):
        some = arns[start : start + _TAGS_PER_CALL]
        for told in session.elbv2.describe_tags(ResourceArns=some)["TagDescriptions"]:
            arn = told["ResourceArn"]
            kind = "target group" if ":targetgroup/" in arn else "load balancer"
            if owner := scope.owner(tags_of(told["Tags"])):
                protected = kind == "load balancer" and _is_protected(session, arn)
                yield Resource(owner, kind, arn, created[arn], protected=protected)


def _is_protected(session: Session, balancer: str) -> bool:
    told = session.elbv2.describe_load_balancer_attributes(LoadBalancerArn=balancer)["Attributes"]
    return {"Key": "deletion_protection.enabled", "Value": "true"} in told


def experiments(session: Session, scope: Scope) -> Iterator[Resource]:
    """Templates of the Fault Injection Service."""
    for template in templates(session):
        if owner := scope.owner(template["tags"]):
            yield Resource(owner, "experiment template", template["id"], template.get("creationTime"))
