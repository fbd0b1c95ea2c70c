"""The waker of an environment: one function, what it may do, and what invokes it.

It is invoked by the load balancer, for requests to a sleeping model, and once a minute to look after all of
them. Only environments with a model that may sleep have one.
"""

from pathlib import Path

from cdktf import AssetType, TerraformAsset
from constructs import Construct

from infra.environment import names
from infra.waker.bundle import HANDLER
from modules.bindings.aws.cloudwatch_event_rule import CloudwatchEventRule
from modules.bindings.aws.cloudwatch_event_target import CloudwatchEventTarget
from modules.bindings.aws.cloudwatch_log_group import CloudwatchLogGroup
from modules.bindings.aws.dynamodb_table import DynamodbTable
from modules.bindings.aws.iam_role import IamRole
from modules.bindings.aws.iam_role_policy import IamRolePolicy
from modules.bindings.aws.lambda_function import LambdaFunction
from modules.bindings.aws.lambda_permission import LambdaPermission
from modules.bindings.aws.lb_target_group import LbTargetGroup
from modules.bindings.aws.lb_target_group_attachment import LbTargetGroupAttachment
from modules.identity.instance_role import Statement, allow, document, partition
from modules.tags import model_tags

_RUNTIME = "python3.12"
_TIMEOUT_SECONDS = 20
_MEMORY_MIB = 512
"""Processor time comes with memory: with half of it a client would wait some ten seconds for a cold start."""
_LOG_DAYS = 30
_WRITES = ["waker", "event"]
_READS = ["model", "waker"]
"""Partitions of the runtime table."""


class Waker(Construct):
    """The function. `package` is its zip."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: str,
        region: str,
        account: str,
        table: DynamodbTable,
        package: Path,
    ) -> None:
        super().__init__(scope, id_)
        name = names.waker(environment)
        logs = CloudwatchLogGroup(
            self, "logs", name=f"/aws/lambda/{name}", retention_in_days=_LOG_DAYS, tags={"Name": name}
        )
        role = self._role(name, environment, region, account, table)
        asset = TerraformAsset(self, "package", path=str(package), type=AssetType.FILE)
        self.function = LambdaFunction(
            self,
            "function",
            function_name=name,
            description=f"Wakes sleeping models of {environment}",
            role=role.arn,
            runtime=_RUNTIME,
            handler=HANDLER,
            filename=asset.path,
            source_code_hash=asset.asset_hash,
            timeout=_TIMEOUT_SECONDS,
            memory_size=_MEMORY_MIB,
            tags={"Name": name},
            depends_on=[logs],  # else the function would make a group without an end
        )
        self._schedule(name)

    def _role(self, name: str, environment: str, region: str, account: str, table: DynamodbTable) -> IamRole:
        trust: Statement = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        role = IamRole(
            self,
            "role",
            name=name,
            description=f"The waker of {environment}",
            assume_role_policy=document([trust]),
            tags={"Name": name},
        )
        statements = _statements(environment, f"{partition(region)}", region, account, table.arn)
        IamRolePolicy(self, "policy", name="waker", role=role.name, policy=document(statements))
        return role

    def _schedule(self, name: str) -> None:
        rule = CloudwatchEventRule(
            self,
            "schedule",
            name=name,
            description="Looks after models that may sleep",
            schedule_expression="rate(1 minute)",
            tags={"Name": name},
        )
        CloudwatchEventTarget(self, "target", rule=rule.name, target_id="waker", arn=self.function.arn)
        LambdaPermission(
            self,
            "scheduled",
            statement_id="schedule",
            action="lambda:InvokeFunction",
            function_name=self.function.id,
            principal="events.amazonaws.com",
            source_arn=rule.arn,
        )


class WakerTarget(Construct):
    """The target group through which a model's requests reach the waker."""

    def __init__(
        self, scope: Construct, id_: str, *, environment: str, model: str, function: LambdaFunction
    ) -> None:
        super().__init__(scope, id_)
        name = names.waker_target_group(environment, model)
        self.target_group = LbTargetGroup(
            self, "targets", name=name, target_type="lambda", tags={**model_tags(model), "Name": name}
        )
        permission = LambdaPermission(
            self,
            "balanced",
            statement_id=f"balancer-{model}",
            action="lambda:InvokeFunction",
            function_name=function.id,
            principal="elasticloadbalancing.amazonaws.com",
            source_arn=self.target_group.arn,
        )
        LbTargetGroupAttachment(
            self,
            "attachment",
            target_group_arn=self.target_group.arn,
            target_id=function.arn,
            depends_on=[permission],
        )


def _statements(
    environment: str, partition_: str, region: str, account: str, table_arn: str
) -> list[Statement]:
    """What the waker calls, on what is the environment's own."""
    where = f"{region}:{account}"
    stack = names.stack(environment)
    resize = allow(
        "Resize",
        ["autoscaling:SetDesiredCapacity"],
        [f"arn:{partition_}:autoscaling:{where}:autoScalingGroup:*:autoScalingGroupName/{stack}-*"],
    )
    resize["Condition"] = {"StringEquals": {f"aws:ResourceTag/{names.TAG_ENVIRONMENT}": environment}}
    route = allow(
        "Route",
        ["elasticloadbalancing:ModifyRule"],
        [f"arn:{partition_}:elasticloadbalancing:{where}:listener-rule/app/{names.balancer(environment)}/*"],
    )
    read = allow("Read", ["dynamodb:GetItem"], [table_arn])
    read["Condition"] = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": _READS}}
    write = allow("Write", ["dynamodb:PutItem"], [table_arn])
    write["Condition"] = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": _WRITES}}
    look = allow(
        "Look",
        [
            "autoscaling:DescribeAutoScalingGroups",
            "cloudwatch:GetMetricData",
            "cloudwatch:GetMetricStatistics",
            "elasticloadbalancing:DescribeListeners",
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:DescribeRules",
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetHealth",
        ],
        ["*"],  # AWS has no narrower resource for these
    )
    group = f"arn:{partition_}:logs:{where}:log-group:/aws/lambda/{names.waker(environment)}"
    logs = allow("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{group}:*"])
    return [resize, route, read, write, look, logs]
