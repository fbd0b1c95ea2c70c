"""The watchdog of an environment: one function, what it may do, and its schedule.

It may do what a rollout's way back needs: weights and sizes, nothing that starts a release. It knows no
model, so models come and go without touching it.
"""

from pathlib import Path

from constructs import Construct

from infra.environment import names
from infra.watchdog.bundle import HANDLER
from infra.watchdog.config import VARIABLE
from modules.bindings.aws.dynamodb_table import DynamodbTable
from modules.function.scheduled import FunctionSpec, ScheduledFunction
from modules.identity.instance_role import Statement, allow, partition

_TIMEOUT_SECONDS = 120
"""Its budget is 45 s; the call under way when that is over may take most of a minute."""
_MEMORY_MIB = 512
_PARTITIONS = ["rollout", "journal#*", "rollouts#*", "model", "event"]
"""Of the runtime table."""


class Watchdog(ScheduledFunction):
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
        where = f"{region}:{account}"
        spec = FunctionSpec(
            kind="watchdog",
            name=names.watchdog(environment),
            description=f"Takes rollouts of {environment} back that nobody drives any more",
            role=f"The watchdog of {environment}",
            task="Looks after rollouts without a driver",
            handler=HANDLER,
            package=package,
            timeout_seconds=_TIMEOUT_SECONDS,
            memory_mib=_MEMORY_MIB,
            statements=[
                *_motion(environment, partition(region), where),
                _journal(table.arn),
                _look(),
            ],
            variables={VARIABLE: environment},
        )
        super().__init__(scope, id_, spec=spec, region=region, account=account)


def _motion(environment: str, partition_: str, where: str) -> list[Statement]:
    """Sizes of the environment's groups, now and by the clock; weights of its balancer's rules."""
    stack = names.stack(environment)
    resize = allow(
        "Resize",
        [
            "autoscaling:BatchDeleteScheduledAction",
            "autoscaling:BatchPutScheduledUpdateGroupAction",
            "autoscaling:UpdateAutoScalingGroup",
        ],
        [f"arn:{partition_}:autoscaling:{where}:autoScalingGroup:*:autoScalingGroupName/{stack}-*"],
    )
    # Another template version would take ec2:RunInstances too: so no group boots another release from here.
    resize["Condition"] = {"StringEquals": {f"aws:ResourceTag/{names.TAG_ENVIRONMENT}": environment}}
    route = allow(
        "Route",
        ["elasticloadbalancing:ModifyRule"],
        [f"arn:{partition_}:elasticloadbalancing:{where}:listener-rule/app/{names.balancer(environment)}/*"],
    )
    return [resize, route]


def _journal(table_arn: str) -> Statement:
    """Transactions ask for the leave of the writes in them."""
    statement = allow(
        "Journal",
        [
            "dynamodb:ConditionCheckItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
        ],
        [table_arn],
    )
    statement["Condition"] = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": _PARTITIONS}}
    return statement


def _look() -> Statement:
    return allow(
        "Look",
        [
            "autoscaling:DescribeAutoScalingGroups",
            "autoscaling:DescribeScalingActivities",
            "autoscaling:DescribeScheduledActions",
            "elasticloadbalancing:DescribeListeners",
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:DescribeRules",
            "elasticloadbalancing:DescribeTargetHealth",
        ],
        ["*"],  # AWS has no narrower resource for these
    )
