"""Finds everything of an environment that still exists, by asking each service itself.

The tagging API misses launch templates, autoscaling groups, roles and more, and lags behind deletions: so
every service that a stack touches has a probe here. A test holds them against the stacks' resource types.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any

from infra.aws.experiments import templates
from infra.aws.session import Session, error_code, translated
from infra.environment import names
from infra.environment.model import Environment

_TAGS_PER_CALL = 20


@dataclass(frozen=True, order=True)
class Leftover:
    """A resource that exists: its kind, in AWS's words, and its id or ARN."""

    kind: str
    id: str


@dataclass(frozen=True)
class _Ec2Resource:
    """A kind of EC2 resource: the call that lists it, and where the list and the id are in the answer."""

    kind: str
    operation: str
    key: str
    id: str


_EC2 = (
    _Ec2Resource("elastic address", "describe_addresses", "Addresses", "AllocationId"),
    _Ec2Resource("instance", "describe_instances", "Reservations", "InstanceId"),
    _Ec2Resource("internet gateway", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    _Ec2Resource("launch template", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    _Ec2Resource("nat gateway", "describe_nat_gateways", "NatGateways", "NatGatewayId"),
    _Ec2Resource("route table", "describe_route_tables", "RouteTables", "RouteTableId"),
    _Ec2Resource("security group", "describe_security_groups", "SecurityGroups", "GroupId"),
    _Ec2Resource("subnet", "describe_subnets", "Subnets", "SubnetId"),
    _Ec2Resource("volume", "describe_volumes", "Volumes", "VolumeId"),
    _Ec2Resource("vpc", "describe_vpcs", "Vpcs", "VpcId"),
    _Ec2Resource("vpc endpoint", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
)
_GONE = ("terminated", "deleted", "deleting", "Deleted", "Deleting")
"""States in which EC2 still lists a resource that is no more, or that nobody pays for."""

_FUNCTIONS = (names.guardian, names.waker, names.watchdog)

Probe = Callable[[Session, Environment], Iterator[Leftover]]


@translated("taking the inventory")
def inventory(session: Session, environment: Environment) -> tuple[Leftover, ...]:
    """Everything that carries the environment's tag or name; the shared state bucket is not part of it."""
    found = chain.from_iterable(probe(session, environment) for probe in PROBES)
    return tuple(sorted(set(found)))


def _ec2(session: Session, environment: Environment) -> Iterator[Leftover]:
    ours = [{"Name": f"tag:{names.TAG_ENVIRONMENT}", "Values": [environment.environment]}]
    for resource in _EC2:
        found = _described(session.ec2, resource, ours)
        if resource.operation == "describe_instances":
            found = chain.from_iterable(reservation["Instances"] for reservation in found)
        for each in found:
            if _state(each) not in _GONE:
                yield Leftover(f"ec2 {resource.kind}", each[resource.id])


def _described(client: Any, resource: _Ec2Resource, filters: list[Any]) -> Iterable[Mapping[str, Any]]:
    if client.can_paginate(resource.operation):
        pages = client.get_paginator(resource.operation).paginate(Filters=filters)
    else:
        pages = [getattr(client, resource.operation)(Filters=filters)]
    return chain.from_iterable(page[resource.key] for page in pages)


def _state(description: Mapping[str, Any]) -> str:
    state = description.get("State", "")
    return str(state["Name"] if isinstance(state, dict) else state)


def _autoscaling_groups(session: Session, environment: Environment) -> Iterator[Leftover]:
    pages = session.autoscaling.get_paginator("describe_auto_scaling_groups").paginate(
        Filters=[{"Name": f"tag:{names.TAG_ENVIRONMENT}", "Values": [environment.environment]}]
    )
    for page in pages:
        yield from (
            Leftover("autoscaling group", group["AutoScalingGroupName"])
            for group in page["AutoScalingGroups"]
        )


def _load_balancing(session: Session, environment: Environment) -> Iterator[Leftover]:
    balancers = session.elbv2.get_paginator("describe_load_balancers").paginate()
    groups = session.elbv2.get_paginator("describe_target_groups").paginate()
    arns = [balancer["LoadBalancerArn"] for page in balancers for balancer in page["LoadBalancers"]]
    arns += [group["TargetGroupArn"] for page in groups for group in page["TargetGroups"]]
    for start in range(0, len(arns), _TAGS_PER_CALL):
        some = arns[start : start + _TAGS_PER_CALL]
        for description in session.elbv2.describe_tags(ResourceArns=some)["TagDescriptions"]:
            if _is_ours(description["Tags"], environment):
                arn = description["ResourceArn"]
                yield Leftover(
                    "target group" if ":targetgroup/" in arn else "load balancer", description["ResourceArn"]
                )


def _identity(session: Session, environment: Environment) -> Iterator[Leftover]:
    """IAM is global: the names are the environment's own, so they are asked for directly."""
    name = names.stack(environment.environment)
    missing = session.iam.exceptions.NoSuchEntityException
    for role in (
        name,
        names.samples_role(environment.environment),
        names.experiments(environment.environment),
    ):
        with suppress(missing):
            session.iam.get_role(RoleName=role)
            yield Leftover("iam role", role)
    with suppress(missing):
        session.iam.get_instance_profile(InstanceProfileName=name)
        yield Leftover("iam instance profile", name)


def _table(session: Session, environment: Environment) -> Iterator[Leftover]:
    name = names.runtime_table(environment.environment)
    try:
        session.dynamodb.describe_table(TableName=name)
    except session.dynamodb.exceptions.ResourceNotFoundException:
        return
    yield Leftover("dynamodb table", name)


def _log_groups(session: Session, environment: Environment) -> Iterator[Leftover]:
    name = environment.environment
    paginator = session.logs.get_paginator("describe_log_groups")
    functions = (f"/aws/lambda/{function(name)}" for function in _FUNCTIONS)
    for prefix in (names.log_group(name, ""), *functions):
        for page in paginator.paginate(logGroupNamePrefix=prefix):
            yield from (Leftover("log group", group["logGroupName"]) for group in page["logGroups"])


def _secrets(session: Session, environment: Environment) -> Iterator[Leftover]:
    pages = session.secretsmanager.get_paginator("list_secrets").paginate(
        Filters=[{"Key": "name", "Values": [names.api_key_secret(environment.environment)]}]
    )
    for page in pages:
        for secret in page["SecretList"]:
            if _is_ours(secret.get("Tags", []), environment):
                yield Leftover("secret", secret["Name"])


def _buckets(session: Session, environment: Environment) -> Iterator[Leftover]:
    place = (session.account, environment.environment, session.region)
    for name in (names.artefact_bucket(*place), names.samples_bucket(*place)):
        try:
            session.s3.head_bucket(Bucket=name)
        except session.s3.exceptions.ClientError as error:
            if error_code(error) == "404":
                continue
            raise
        yield Leftover("s3 bucket", name)


def _alarms(session: Session, environment: Environment) -> Iterator[Leftover]:
    """By name: an environment's own prefix may also be that of a longer name, so tags decide.

    Target tracking makes alarms of its own; they carry no tag and go with their policy.
    """
    pages = session.cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=names.alarm(environment.environment, None, ""),
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
    )
    for page in pages:
        for alarm in (*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])):
            arn = alarm["AlarmArn"]
            if _is_ours(session.cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"], environment):
                yield Leftover("cloudwatch alarm", alarm["AlarmName"])


def _dashboards(session: Session, environment: Environment) -> Iterator[Leftover]:
    """Dashboards carry no tags: the names of the environment's own are asked for."""
    pages = session.cloudwatch.get_paginator("list_dashboards").paginate(
        DashboardNamePrefix=names.dashboard(environment.environment)
    )
    for page in pages:
        for dashboard in page["DashboardEntries"]:
            if dashboard["DashboardName"] in _dashboard_names(environment):
                yield Leftover("cloudwatch dashboard", dashboard["DashboardName"])


def _dashboard_names(environment: Environment) -> frozenset[str]:
    return frozenset(names.dashboard(environment.environment, model) for model in (None, *environment.models))


def _topics(session: Session, environment: Environment) -> Iterator[Leftover]:
    name = names.topic(environment.environment)
    for page in session.client("sns").get_paginator("list_topics").paginate():
        yield from (
            Leftover("sns topic", name)
            for topic in page["Topics"]
            if topic["TopicArn"].rpartition(":")[2] == name
        )


def _certificates(session: Session, environment: Environment) -> Iterator[Leftover]:
    if not environment.endpoint.domain:
        return
    acm = session.client("acm")
    for page in acm.get_paginator("list_certificates").paginate():
        for certificate in page["CertificateSummaryList"]:
            arn = certificate["CertificateArn"]
            if _is_ours(acm.list_tags_for_certificate(CertificateArn=arn)["Tags"], environment):
                yield Leftover("certificate", arn)


def _records(session: Session, environment: Environment) -> Iterator[Leftover]:
    """Records carry no tags: the environment's own are alias records of its domain and below it."""
    domain = environment.endpoint.domain
    if not domain:
        return
    route53 = session.client("route53")
    for zone in route53.list_hosted_zones()["HostedZones"]:
        if not f".{domain}.".endswith(f".{zone['Name']}"):
            continue
        for page in route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone["Id"]):
            for record in page["ResourceRecordSets"]:
                if "AliasTarget" in record and f".{record['Name']}".endswith(f".{domain}."):
                    yield Leftover("dns record", f"{record['Name']} {record['Type']}")


def _is_ours(tags: Iterable[Any], environment: Environment) -> bool:
    return any(
        tag["Key"] == names.TAG_ENVIRONMENT and tag["Value"] == environment.environment for tag in tags
    )


def _functions(session: Session, environment: Environment) -> Iterator[Leftover]:
    """With the rules that invoke them and their roles, by their names."""
    for name in _FUNCTIONS:
        yield from _function(session, name(environment.environment))


def _function(session: Session, name: str) -> Iterator[Leftover]:
    functions, events = session.client("lambda"), session.client("events")
    with suppress(functions.exceptions.ResourceNotFoundException):
        functions.get_function_configuration(FunctionName=name)
        yield Leftover("lambda function", name)
    for rule in events.list_rules(NamePrefix=name)["Rules"]:
        if rule["Name"] == name or rule["Name"].startswith(f"{name}-"):
            yield Leftover("event rule", rule["Name"])
    with suppress(session.iam.exceptions.NoSuchEntityException):
        session.iam.get_role(RoleName=name)
        yield Leftover("iam role", name)


def _experiments(session: Session, environment: Environment) -> Iterator[Leftover]:
    for template in templates(session):
        if template["tags"].get(names.TAG_ENVIRONMENT) == environment.environment:
            yield Leftover("experiment template", template["id"])


PROBES: tuple[Probe, ...] = (
    _ec2,
    _autoscaling_groups,
    _load_balancing,
    _identity,
    _table,
    _log_groups,
    _secrets,
    _buckets,
    _alarms,
    _dashboards,
    _topics,
    _functions,
    _experiments,
    _certificates,
    _records,
)
KINDS = frozenset(f"ec2 {resource.kind}" for resource in _EC2) | {
    "autoscaling group",
    "certificate",
    "cloudwatch alarm",
    "cloudwatch dashboard",
    "dns record",
    "dynamodb table",
    "event rule",
    "experiment template",
    "iam instance profile",
    "iam role",
    "lambda function",
    "load balancer",
    "log group",
    "s3 bucket",
    "secret",
    "sns topic",
    "target group",
}
"""Every kind of resource that the probes can find."""
