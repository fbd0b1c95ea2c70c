"""Deletes single resources of every kind that the inventory can find, one way for each.

Only what the inventory attributed to an environment, by its tag or exact name, may be passed in. What is gone
already counts as deleted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra.aws.session import Session, error_code, translated
from infra.errors import Refused
from infra.teardown.types import Resource

_Delete = Callable[[Session, str], None]


@dataclass(frozen=True)
class Removal:
    """Implements `infra.teardown.removing.Remover`.

    `lift_protection`: delete what is protected against deletion, too. Only for those who asked the file.
    """

    session: Session
    lift_protection: bool = False

    def remove(self, resource: Resource) -> None:
        """Delete it; raises `LlmctlError` while others need it, `Refused` when it may not be deleted."""
        if resource.protected and not self.lift_protection:
            raise Refused(f"{resource.kind} {resource.id} is protected against deletion")
        with translated(f"removing {resource.kind} {resource.id}"):
            try:
                if resource.protected:
                    _UNPROTECT[resource.kind](self.session, resource.id)
                DELETE[resource.kind](self.session, resource.id)
            except ClientError as error:
                if not _is_gone(error):
                    raise


def _is_gone(error: ClientError) -> bool:
    code, message = error_code(error), error.response.get("Error", {}).get("Message", "")
    return "NotFound" in code or "NoSuch" in code or (code == "ValidationError" and "not found" in message)


def _call(service: str, operation: str, argument: str, **more: Any) -> _Delete:
    """The deletions that are one call with the id in one argument."""

    def delete(session: Session, id_: str) -> None:
        getattr(session.client(service), operation)(**{argument: id_}, **more)

    return delete


def _listed(service: str, operation: str, argument: str, **more: Any) -> _Delete:
    """The same where the argument is a list."""

    def delete(session: Session, id_: str) -> None:
        getattr(session.client(service), operation)(**{argument: [id_]}, **more)

    return delete


def _event_rule(session: Session, name: str) -> None:
    events = session.client("events")
    targets = [target["Id"] for target in events.list_targets_by_rule(Rule=name)["Targets"]]
    if targets:
        events.remove_targets(Rule=name, Ids=targets)
    events.delete_rule(Name=name)


def _role(session: Session, name: str) -> None:
    iam = session.iam
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for inline in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=inline)
    for profile in iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"]:
        iam.remove_role_from_instance_profile(
            RoleName=name, InstanceProfileName=profile["InstanceProfileName"]
        )
    iam.delete_role(RoleName=name)


def _instance_profile(session: Session, name: str) -> None:
    iam = session.iam
    for role in iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]:
        iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role["RoleName"])
    iam.delete_instance_profile(InstanceProfileName=name)


def _internet_gateway(session: Session, gateway: str) -> None:
    told = session.ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"]
    for attachment in told[0].get("Attachments", []):
        session.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=attachment["VpcId"])
    session.ec2.delete_internet_gateway(InternetGatewayId=gateway)


def _route_table(session: Session, table: str) -> None:
    told = session.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    for association in told[0].get("Associations", []):
        if not association.get("Main"):
            session.ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
    session.ec2.delete_route_table(RouteTableId=table)


def _security_group(session: Session, group: str) -> None:
    """Its rules go first: two groups that name each other could never be deleted."""
    ec2 = session.ec2
    told = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    rules = told["SecurityGroupRules"]
    for egress, revoke in (
        (True, ec2.revoke_security_group_egress),
        (False, ec2.revoke_security_group_ingress),
    ):
        ids = [rule["SecurityGroupRuleId"] for rule in rules if rule["IsEgress"] is egress]
        if ids:
            revoke(GroupId=group, SecurityGroupRuleIds=ids)
    ec2.delete_security_group(GroupId=group)


def _vpc_endpoint(session: Session, endpoint: str) -> None:
    told = session.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    for failure in told["Unsuccessful"]:
        raise ClientError({"Error": failure["Error"]}, "DeleteVpcEndpoints")


def _dns_record(session: Session, id_: str) -> None:
    zone, name, kind = id_.split(" ")
    route53 = session.client("route53")
    told = route53.list_resource_record_sets(
        HostedZoneId=zone, StartRecordName=name, StartRecordType=kind, MaxItems="1"
    )["ResourceRecordSets"]
    for record in told:
        if (record["Name"], record["Type"]) == (name, kind):
            change = {"Changes": [{"Action": "DELETE", "ResourceRecordSet": record}]}
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)


def _bucket(session: Session, bucket: str) -> None:
    """With every version of every object in it."""
    s3 = session.s3
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects: Any = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        if objects:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    s3.delete_bucket(Bucket=bucket)


def _unprotect_balancer(session: Session, arn: str) -> None:
    session.elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=arn, Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}]
    )


def _unprotect_table(session: Session, name: str) -> None:
    session.dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)


_UNPROTECT: Mapping[str, _Delete] = {
    "load balancer": _unprotect_balancer,
    "dynamodb table": _unprotect_table,
}
DELETE: Mapping[str, _Delete] = {
    "autoscaling group": _call(
        "autoscaling", "delete_auto_scaling_group", "AutoScalingGroupName", ForceDelete=True
    ),
    "certificate": _call("acm", "delete_certificate", "CertificateArn"),
    "cloudwatch alarm": _listed("cloudwatch", "delete_alarms", "AlarmNames"),
    "cloudwatch dashboard": _listed("cloudwatch", "delete_dashboards", "DashboardNames"),
    "dns record": _dns_record,
    "dynamodb table": _call("dynamodb", "delete_table", "TableName"),
    "ec2 elastic address": _call("ec2", "release_address", "AllocationId"),
    "ec2 instance": _listed("ec2", "terminate_instances", "InstanceIds"),
    "ec2 internet gateway": _internet_gateway,
    "ec2 launch template": _call("ec2", "delete_launch_template", "LaunchTemplateId"),
    "ec2 nat gateway": _call("ec2", "delete_nat_gateway", "NatGatewayId"),
    "ec2 route table": _route_table,
    "ec2 security group": _security_group,
    "ec2 subnet": _call("ec2", "delete_subnet", "SubnetId"),
    "ec2 volume": _call("ec2", "delete_volume", "VolumeId"),
    "ec2 vpc": _call("ec2", "delete_vpc", "VpcId"),
    "ec2 vpc endpoint": _vpc_endpoint,
    "event rule": _event_rule,
    "experiment template": _call("fis", "delete_experiment_template", "id"),
    "iam instance profile": _instance_profile,
    "iam role": _role,
    "lambda function": _call("lambda", "delete_function", "FunctionName"),
    "load balancer": _call("elbv2", "delete_load_balancer", "LoadBalancerArn"),
    "log group": _call("logs", "delete_log_group", "logGroupName"),
    "s3 bucket": _bucket,
    "secret": _call("secretsmanager", "delete_secret", "SecretId", ForceDeleteWithoutRecovery=True),
    "sns topic": _call("sns", "delete_topic", "TopicArn"),
    "target group": _call("elbv2", "delete_target_group", "TargetGroupArn"),
}
"""How each kind of the inventory is deleted."""
