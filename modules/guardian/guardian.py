"""The guardian of an environment: one function, what it may do, its schedule, and the events that call it.

It may set sizes of the environment's groups and of their warm pools, and nothing else: it starts no release
and moves no weight. It knows no model, so models come and go without touching it; what it is to know of one
is an item of the table.
"""

import json
from pathlib import Path

from constructs import Construct

from infra.environment import names
from infra.guardian.bundle import HANDLER
from infra.guardian.config import PARTITION, VARIABLE, GuardedModel
from modules.bindings.aws.dynamodb_table import DynamodbTable
from modules.bindings.aws.dynamodb_table_item import DynamodbTableItem
from modules.function.scheduled import FunctionSpec, ScheduledFunction
from modules.identity.instance_role import Statement, allow, partition

_TIMEOUT_SECONDS = 60
_MEMORY_MIB = 512
_READS = [PARTITION, "model", "rollout", "notice"]
_WRITES = ["notice", "event"]
"""Partitions of the runtime table."""
_NOTICES = ["EC2 Spot Instance Interruption Warning", "EC2 Instance Rebalance Recommendation"]
_GROUPS = [
    "EC2 Instance Launch Successful",
    "EC2 Instance Launch Unsuccessful",
    "EC2 Instance Terminate Successful",
]


class Guarded(Construct):
    """What the guardian is told of a model."""

    def __init__(self, scope: Construct, id_: str, *, table: DynamodbTable, model: GuardedModel) -> None:
        super().__init__(scope, id_)
        item = {"pk": {"S": PARTITION}, "sk": {"S": model.name}, "config": {"S": model.to_json()}}
        DynamodbTableItem(
            self,
            "item",
            table_name=table.name,
            hash_key="pk",
            range_key="sk",
            item=json.dumps(item),
        )


class Guardian(ScheduledFunction):
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
            kind="guardian",
            name=names.guardian(environment),
            description=f"Replaces missing spot replicas of {environment} on demand, and gives them back",
            role=f"The guardian of {environment}",
            task="Compares spot replicas with those wanted",
            handler=HANDLER,
            package=package,
            timeout_seconds=_TIMEOUT_SECONDS,
            memory_mib=_MEMORY_MIB,
            statements=[_resize(environment, region, account), *_memory(table.arn), _look()],
            variables={VARIABLE: environment},
        )
        super().__init__(scope, id_, spec=spec, region=region, account=account)
        self._events(spec, environment)

    def _events(self, spec: FunctionSpec, environment: str) -> None:
        """EC2's can't be filtered by tag: the function ignores other people's instances."""
        ec2, autoscaling = ["aws.ec2"], ["aws.autoscaling"]
        self.on_event(
            spec, "notices", "Spot takes an instance soon", {"source": ec2, "detail-type": _NOTICES}
        )
        self.on_event(
            spec,
            "losses",
            "An instance ends",
            {
                "source": ec2,
                "detail-type": ["EC2 Instance State-change Notification"],
                "detail": {"state": ["shutting-down", "stopping", "terminated"]},
            },
        )
        self.on_event(
            spec,
            "groups",
            "A group launched, failed to, or terminated",
            {
                "source": autoscaling,
                "detail-type": _GROUPS,
                "detail": {"AutoScalingGroupName": [{"prefix": f"{names.stack(environment)}-"}]},
            },
        )


def _resize(environment: str, region: str, account: str) -> Statement:
    groups = f"arn:{partition(region)}:autoscaling:{region}:{account}:autoScalingGroup:*"
    statement = allow(
        "Resize",
        ["autoscaling:SetDesiredCapacity", "autoscaling:PutWarmPool", "autoscaling:DeleteWarmPool"],
        [f"{groups}:autoScalingGroupName/{names.stack(environment)}-*"],
    )
    statement["Condition"] = {"StringEquals": {f"aws:ResourceTag/{names.TAG_ENVIRONMENT}": environment}}
    return statement


def _memory(table_arn: str) -> list[Statement]:
    read = allow("Read", ["dynamodb:GetItem", "dynamodb:Query"], [table_arn])
    read["Condition"] = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": _READS}}
    write = allow("Write", ["dynamodb:PutItem"], [table_arn])
    write["Condition"] = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": _WRITES}}
    return [read, write]


def _look() -> Statement:
    return allow(
        "Look",
        [
            "autoscaling:DescribeAutoScalingGroups",
            "autoscaling:DescribeAutoScalingInstances",
            "autoscaling:DescribeScalingActivities",
        ],
        ["*"],  # AWS has no narrower resource for these
    )
