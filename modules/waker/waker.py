"""The waker of an environment: one function, what it may do, and what invokes it.

It is invoked by the load balancer, for requests to a sleeping model, and once a minute to look after all of
them. Only environments with a model that may sleep have one.
"""

from pathlib import Path

from constructs import Construct

from infra.environment import names
from infra.waker.bundle import HANDLER
from modules.bindings.aws.dynamodb_table import DynamodbTable
from modules.bindings.aws.lambda_function import LambdaFunction
from modules.bindings.aws.lambda_permission import LambdaPermission
from modules.bindings.aws.lb_target_group import LbTargetGroup
from modules.bindings.aws.lb_target_group_attachment import LbTargetGroupAttachment
from modules.function.scheduled import FunctionSpec, ScheduledFunction
from modules.identity.instance_role import Statement, allow, partition
from modules.tags import model_tags

_TIMEOUT_SECONDS = 20
_MEMORY_MIB = 512
"""Processor time comes with memory: with half of it a client would wait some ten seconds for a cold start."""
_WRITES = ["waker", "event"]
_READS = ["model", "waker", "rollout"]
"""Partitions of the runtime table."""


class Waker(ScheduledFunction):
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
        spec = FunctionSpec(
            kind="waker",
            name=names.waker(environment),
            description=f"Wakes sleeping models of {environment}",
            role=f"The waker of {environment}",
            task="Looks after models that may sleep",
            handler=HANDLER,
            package=package,
            timeout_seconds=_TIMEOUT_SECONDS,
            memory_mib=_MEMORY_MIB,
            statements=_statements(environment, partition(region), region, account, table.arn),
        )
        super().__init__(scope, id_, spec=spec, region=region, account=account)


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
    return [resize, route, read, write, look]
