"""Target tracking from end to end: requests, metric, alarms, policy, instances; only the clock is ours."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.embedded.aws import autoscaling_metrics, cloudwatch
from infra.embedded.aws.pace import PACE

ACCOUNT, REGION = "123456789012", "us-east-1"
BALANCER, TARGETS = "app/front/0123456789abcdef", "targetgroup/blue/fedcba9876543210"


@pytest.fixture(params=[1.0, 10.0])
def speed(request: pytest.FixtureRequest, cloud: Any) -> Iterator[float]:
    """How fast monitoring lives; what AWS does in a minute takes six seconds at ten."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PACE, "origin", cloud.now)
        patch.setattr(PACE, "speed", request.param)
        yield request.param


class Rehearsal:
    """A group under load, in steps of ten emulated seconds; an instance boots within one."""

    def __init__(self, cloud: Any, speed: float, publish: Callable[[float, int, float], None]) -> None:
        self.cloud = cloud
        self.speed = speed
        self.publish = publish
        self.history: list[tuple[float, int]] = []
        """Desired capacity by emulated seconds since the start."""
        self._elapsed = 0.0
        self._serving = 2

    def run(self, minutes: int, load: float) -> None:
        """Let time pass under a load (per emulated minute)."""
        for _ in range(minutes * 6):
            self._elapsed += 10
            self.cloud.now += 10 / self.speed
            self.publish(load / 6, self._serving, self.cloud.now)
            autoscaling_metrics.publish(self.cloud.now)
            cloudwatch.evaluate(self.cloud.now)
            self.cloud.reconcile()
            self.cloud.boot()
            group = self.cloud.describe()
            self._serving = sum(one["LifecycleState"] == "InService" for one in group["Instances"])
            self.history.append((self._elapsed, group["DesiredCapacity"]))

    @property
    def changes(self) -> list[int]:
        """Desired capacities in their order."""
        return [desired for desired, _ in itertools.groupby(desired for _, desired in self.history)]

    def minutes_until(self, desired: int) -> float:
        """Emulated minutes from the start until the group wanted that many."""
        return next(elapsed for elapsed, wanted in self.history if wanted == desired) / 60


def requests(load: float, serving: int, now: float) -> None:
    """The load balancer's count of requests, shared by the targets in service."""
    dimensions = {"TargetGroup": TARGETS, "LoadBalancer": BALANCER}
    values = [(load / serving if serving else 0.0, 1.0)]
    cloudwatch.record(
        ACCOUNT, REGION, "AWS/ApplicationELB", "RequestCountPerTarget", dimensions, values, now, "Count"
    )


def tokens(load: float, serving: int, now: float) -> None:
    """What all replicas of a slot generated."""
    cloudwatch.record(ACCOUNT, REGION, "llm", "Tokens", {"slot": "blue"}, [(load, 1.0)], now, "Count")


def start(cloud: Any, speed: float, publish: Callable[[float, int, float], None]) -> Rehearsal:
    """Two instances in service and warmed up, with room for ten."""
    cloud.group(cloud.network()[1], MinSize=1, MaxSize=10)
    cloud.client("autoscaling").enable_metrics_collection(
        AutoScalingGroupName="group", Granularity="1Minute", Metrics=["GroupInServiceInstances"]
    )
    cloud.settle()
    cloud.now += 600
    return Rehearsal(cloud, speed, publish)


def track(cloud: Any, target: float, specification: dict[str, Any]) -> None:
    """Put the policy; instances warm up for two minutes."""
    cloud.client("autoscaling").put_scaling_policy(
        AutoScalingGroupName="group",
        PolicyName="load",
        PolicyType="TargetTrackingScaling",
        EstimatedInstanceWarmup=120,
        TargetTrackingConfiguration={"TargetValue": target} | specification,
    )


def test_load_for_four_brings_two_to_four_and_back(cloud: Any, speed: float) -> None:
    """Out after three minutes, in after fifteen, each in one move, and never more than the load needs.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html
    """
    rehearsal = start(cloud, speed, requests)
    specification = {
        "PredefinedMetricType": "ALBRequestCountPerTarget",
        "ResourceLabel": f"{BALANCER}/{TARGETS}",
    }
    track(cloud, 60, {"PredefinedMetricSpecification": specification})
    rehearsal.run(6, load=115)
    assert rehearsal.changes == [2]
    rehearsal.run(12, load=235)
    assert rehearsal.changes == [2, 4]
    assert 6 + 2 < rehearsal.minutes_until(4) <= 6 + 4.5
    rehearsal.history.clear()
    rehearsal.run(30, load=100)
    assert rehearsal.changes == [4, 2]
    assert 18 + 14 < rehearsal.minutes_until(2) <= 18 + 17


def test_metric_math_is_tracked(cloud: Any, speed: float) -> None:
    """Tokens per replica in service: a sum over the group divided by its size, in the alarm itself."""
    rehearsal = start(cloud, speed, tokens)
    made = {"Namespace": "llm", "MetricName": "Tokens", "Dimensions": [{"Name": "slot", "Value": "blue"}]}
    there = {
        "Namespace": "AWS/AutoScaling",
        "MetricName": "GroupInServiceInstances",
        "Dimensions": [{"Name": "AutoScalingGroupName", "Value": "group"}],
    }
    queries = [
        {"Id": "made", "MetricStat": {"Metric": made, "Stat": "Sum"}, "ReturnData": False},
        {"Id": "there", "MetricStat": {"Metric": there, "Stat": "Average"}, "ReturnData": False},
        {"Id": "each", "Expression": "made / there"},
    ]
    track(cloud, 1000, {"CustomizedMetricSpecification": {"Metrics": queries}})
    rehearsal.run(10, load=2800)
    assert rehearsal.changes == [2, 3]


def test_silence_changes_nothing(cloud: Any, speed: float) -> None:
    """Without datapoints the alarms know nothing, and the group stays as it is."""
    rehearsal = start(cloud, speed, lambda load, serving, now: None)
    specification = {"MetricName": "Queue", "Namespace": "llm", "Statistic": "Average"}
    track(cloud, 1, {"CustomizedMetricSpecification": specification})
    rehearsal.run(10, load=0)
    assert rehearsal.changes == [2]
