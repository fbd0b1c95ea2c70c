"""The role of an environment's instances: what the agent calls, on what is the environment's own.

The role knows no model, so that adding one changes nothing here: what is a model's own is reached by name or
by tag, and access to weights in S3 and to an image in ECR are policies of their own for each model.
"""

import json
from collections.abc import Sequence

from constructs import Construct

from infra.agent.catalogue import NAMESPACE
from infra.environment import names
from infra.environment.ecr import EcrRepository
from modules.bindings.aws.dynamodb_table import DynamodbTable
from modules.bindings.aws.iam_instance_profile import IamInstanceProfile
from modules.bindings.aws.iam_role import IamRole
from modules.bindings.aws.iam_role_policy import IamRolePolicy
from modules.bindings.aws.secretsmanager_secret import SecretsmanagerSecret
from modules.state.artefacts import Artefacts

Statement = dict[str, object]

_REPLICA_KEYS = ["replica", "event"]
"""Partitions of the runtime table that the agent writes; where a model stands is the runtime's."""


class InstanceRole(Construct):
    """The role and its instance profile."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: str,
        region: str,
        account: str,
        table: DynamodbTable,
        artefacts: Artefacts,
        secret: SecretsmanagerSecret | None,
    ) -> None:
        super().__init__(scope, id_)
        name = names.stack(environment)
        ec2: Statement = {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        self.role = IamRole(
            self,
            "role",
            name=name,
            description=f"Instances of {environment}",
            assume_role_policy=document([ec2]),
            tags={"Name": name},
        )
        self.profile = IamInstanceProfile(
            self, "profile", name=name, role=self.role.name, tags={"Name": name}
        )
        statements = [
            allow("Agent", ["s3:GetObject", "s3:GetObjectVersion"], [artefacts.agent_arn]),
            _report(table.arn),
            *_logs(environment, region, account),
            _metrics(),
            *_lifecycle(environment, region, account),
        ]
        if secret:
            statements.append(allow("ApiKey", ["secretsmanager:GetSecretValue"], [secret.arn]))
        IamRolePolicy(self, "policy", name="agent", role=self.role.name, policy=document(statements))


class WeightsAccess(Construct):
    """Leave to read a model's weights below s3://BUCKET/PREFIX."""

    def __init__(
        self, scope: Construct, id_: str, *, role: IamRole, model: str, uri: str, region: str
    ) -> None:
        super().__init__(scope, id_)
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        prefix = prefix.rstrip("/")
        arn = f"arn:{partition(region)}:s3:::{bucket}"
        listing = allow("List", ["s3:ListBucket"], [arn])
        listing["Condition"] = {"StringLike": {"s3:prefix": [prefix, f"{prefix}/*"]}}
        statements = [listing, allow("Read", ["s3:GetObject"], [f"{arn}/{prefix}", f"{arn}/{prefix}/*"])]
        IamRolePolicy(self, "policy", name=f"weights-{model}", role=role.name, policy=document(statements))


class ImageAccess(Construct):
    """Leave to pull a model's image from ECR."""

    def __init__(
        self, scope: Construct, id_: str, *, role: IamRole, model: str, repository: EcrRepository
    ) -> None:
        super().__init__(scope, id_)
        where = f"{partition(repository.region)}:ecr:{repository.region}:{repository.account}"
        statements = [
            allow("Login", ["ecr:GetAuthorizationToken"], ["*"]),  # AWS has no narrower resource for it
            allow(
                "Pull",
                ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                [f"arn:{where}:repository/{repository.name}"],
            ),
        ]
        IamRolePolicy(self, "policy", name=f"image-{model}", role=role.name, policy=document(statements))


def partition(region: str) -> str:
    """The part of AWS that a region belongs to, as ARNs name it."""
    special = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
    return next((name for start, name in special.items() if region.startswith(f"{start}-")), "aws")


def document(statements: Sequence[Statement]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> Statement:
    """A statement that allows."""
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def _report(table_arn: str) -> Statement:
    statement = allow("Report", ["dynamodb:PutItem", "dynamodb:UpdateItem"], [table_arn])
    statement["Condition"] = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": _REPLICA_KEYS}}
    return statement


def _logs(environment: str, region: str, account: str) -> list[Statement]:
    groups = f"arn:{partition(region)}:logs:{region}:{account}:log-group:{names.log_group(environment, '*')}"
    return [allow("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{groups}:log-stream:*"])]


def _metrics() -> Statement:
    """CloudWatch knows no narrower resource for metrics than all; their namespace is the fence."""
    statement = allow("Metrics", ["cloudwatch:PutMetricData"], ["*"])
    statement["Condition"] = {"StringEquals": {"cloudwatch:namespace": NAMESPACE}}
    return statement


def _lifecycle(environment: str, region: str, account: str) -> list[Statement]:
    """Completing hooks and leaving target groups, where the environment's tag is on the group."""
    where = f"{partition(region)}:autoscaling:{region}:{account}"
    hooks = allow(
        "Hooks",
        ["autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"],
        [f"arn:{where}:autoScalingGroup:*:autoScalingGroupName/{names.stack(environment)}-*"],
    )
    leave = allow(
        "Leave",
        ["elasticloadbalancing:DeregisterTargets"],
        [f"arn:{partition(region)}:elasticloadbalancing:{region}:{account}:targetgroup/*"],
    )
    for statement in (hooks, leave):
        statement["Condition"] = {"StringEquals": {f"aws:ResourceTag/{names.TAG_ENVIRONMENT}": environment}}
    look = allow(
        "Look",
        ["autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances"],
        ["*"],  # AWS has no narrower resource for these
    )
    return [hooks, leave, look]
