"""The AWS calls of the waker. Nothing is decided here."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from infra.aws.listener_rule import ListenerRule
from infra.waker.config import SleepingModel, WakerConfig
from infra.waker.policy import DEFAULT_COLD_START, Observation, Weights

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

_ENDED = ("done", "rolled back")
"""Phases of a rollout in which it has let go of the model."""
_ACTOR = "waker"
_PERIOD = 60
_COLD_STARTS = timedelta(days=7)
_HOUR = 3600


@dataclass
class Clients:
    """One client a service."""

    autoscaling: "AutoScalingClient"
    cloudwatch: "CloudWatchClient"
    dynamodb: "DynamoDBClient"
    elbv2: "ElasticLoadBalancingv2Client"


def connect() -> Clients:
    """Clients of the function's own region and role."""
    import boto3

    return Clients(
        autoscaling=boto3.client("autoscaling"),
        cloudwatch=boto3.client("cloudwatch"),
        dynamodb=boto3.client("dynamodb"),
        elbv2=boto3.client("elbv2"),
    )


@dataclass
class ModelCloud:
    """One model's resources. The rule and ARNs are looked up once and kept while the function is warm."""

    clients: Clients
    config: WakerConfig
    model: SleepingModel
    rule: ListenerRule = field(init=False)

    def __post_init__(self) -> None:
        target_groups = (*self.model.target_groups.values(), self.model.waker_target_group)
        self.rule = ListenerRule(self.clients.elbv2, self.config.balancer, target_groups)

    def live(self) -> tuple[str, float] | None:
        """The live slot and since when it is (epoch seconds); None before the first deploy has ended."""
        item = self._item("model")
        if item is None:
            return None
        return item["slot"]["S"], datetime.fromisoformat(item["since"]["S"]).timestamp()

    def observe(self, slot: str, live_since: float, *, asked: bool) -> Observation:
        """Everything that the policy wants to know."""
        woken = self._item("waker")
        groups = self.clients.autoscaling.describe_auto_scaling_groups(
            AutoScalingGroupNames=list(self.model.groups[slot])
        )["AutoScalingGroups"]
        return Observation(
            weights=self._weights(slot),
            desired=sum(group["DesiredCapacity"] for group in groups),
            minimum=sum(group["MinSize"] for group in groups),
            healthy=self._healthy(slot),
            requests=self._requests(),
            awake_since=max(live_since, float(woken["at"]["N"]) if woken else 0.0),
            asked=asked,
            rolling=is_rolling(self._item("rollout")),
        )

    def wake(self, slot: str, now: float) -> None:
        """Ask for one replica and remember when."""
        self._remember(now)
        self._resize(slot, 1)

    def sleep(self, slot: str) -> None:
        """Give up all replicas of the slot."""
        for group in self.model.groups[slot]:
            self._set_desired(group, 0)

    def route(self, slot: str | None) -> None:
        """Send all requests to the slot, or to the waker."""
        wanted = self.model.target_groups[slot] if slot else self.model.waker_target_group
        self.rule.set_weights({wanted: 100})

    def cold_start(self) -> float:
        """Seconds that a cold start took lately, on average."""
        now = datetime.now(UTC)
        found = self.clients.cloudwatch.get_metric_statistics(
            Namespace="llmctl",
            MetricName="ColdStart",
            Dimensions=[
                {"Name": "environment", "Value": self.config.environment},
                {"Name": "model", "Value": self.model.name},
            ],
            StartTime=now - _COLD_STARTS,
            EndTime=now,
            Period=_HOUR,
            Statistics=["Sum", "SampleCount"],
        )["Datapoints"]
        count = sum(point["SampleCount"] for point in found)
        return sum(point["Sum"] for point in found) / count if count else DEFAULT_COLD_START

    def record(self, action: str, result: str) -> None:
        """Append to the audit log."""
        moment = datetime.now(UTC).isoformat(timespec="microseconds")
        self.clients.dynamodb.put_item(
            TableName=self.config.runtime_table,
            Item={
                "pk": {"S": "event"},
                "sk": {"S": f"{moment}#{uuid4().hex[:8]}"},
                "actor": {"S": _ACTOR},
                "action": {"S": action},
                "target": {"S": self.model.name},
                "result": {"S": result},
            },
        )

    def forget(self) -> None:
        """Look everything up anew: a rule or a target group may have been replaced."""
        self.rule.forget()

    def _item(self, partition: str) -> Mapping[str, Any] | None:
        found = self.clients.dynamodb.get_item(
            TableName=self.config.runtime_table,
            Key={"pk": {"S": partition}, "sk": {"S": self.model.name}},
            ConsistentRead=True,
        )
        return found.get("Item")

    def _remember(self, now: float) -> None:
        self.clients.dynamodb.put_item(
            TableName=self.config.runtime_table,
            Item={"pk": {"S": "waker"}, "sk": {"S": self.model.name}, "at": {"N": str(now)}},
        )

    def _resize(self, slot: str, replicas: int) -> None:
        self._set_desired(self.model.groups[slot][0], replicas)

    def _set_desired(self, group: str, replicas: int) -> None:
        self.clients.autoscaling.set_desired_capacity(
            AutoScalingGroupName=group, DesiredCapacity=replicas, HonorCooldown=False
        )

    def _weights(self, live: str) -> Weights:
        found, slots = self.rule.weights(), self.model.target_groups
        return Weights(
            live=found[slots[live]],
            idle=sum(found[name] for slot, name in slots.items() if slot != live),
            waker=found[self.model.waker_target_group],
        )

    def _healthy(self, slot: str) -> int:
        arn = self.rule.target_groups()[self.model.target_groups[slot]]
        targets = self.clients.elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        return sum(target["TargetHealth"]["State"] == "healthy" for target in targets)

    def _requests(self) -> float:
        """Answered by a slot or by the waker."""
        now = time.time()
        balancer = self.rule.balancer().partition(":loadbalancer/")[2]
        queries: list[Any] = [
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/ApplicationELB",
                        "MetricName": "RequestCount",
                        "Dimensions": [
                            {"Name": "LoadBalancer", "Value": balancer},
                            {"Name": "TargetGroup", "Value": arn.rpartition(":")[2]},
                        ],
                    },
                    "Period": _PERIOD,
                    "Stat": "Sum",
                },
            }
            for number, arn in enumerate(self.rule.target_groups().values())
        ]
        # A request is counted at the beginning of its minute: so the window begins with one, too.
        start = (now - self.model.sleep_after) // _PERIOD * _PERIOD
        found = self.clients.cloudwatch.get_metric_data(
            MetricDataQueries=queries,
            StartTime=datetime.fromtimestamp(start, UTC),
            EndTime=datetime.fromtimestamp(now, UTC),
        )
        return sum(value for result in found["MetricDataResults"] for value in result["Values"])


def is_rolling(record: Mapping[str, Any] | None) -> bool:
    """Whether a model's rollout goes on; one that ended keeps its record until the next."""
    return record is not None and record["phase"]["S"] not in _ENDED
