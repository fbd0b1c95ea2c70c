"""Group metrics: which are collected, and what they say."""

from typing import Any

from infra.embedded.aws import autoscaling_metrics
from infra.embedded.aws.autoscaling_metrics import METRICS


def enabled(cloud: Any) -> set[str]:
    """Names of the metrics that `group` collects."""
    return {entry["Metric"] for entry in cloud.describe().get("EnabledMetrics", [])}


def published(cloud: Any, name: str) -> list[float]:
    """All values of a metric of `group`."""
    points = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/AutoScaling",
        MetricName=name,
        Dimensions=[{"Name": "AutoScalingGroupName", "Value": "group"}],
        StartTime=cloud.now - 3600,
        EndTime=cloud.now + 3600,
        Period=60,
        Statistics=["Average"],
    )["Datapoints"]
    return [point["Average"] for point in sorted(points, key=lambda one: one["Timestamp"])]


def test_metrics_are_enabled_and_disabled_by_name(cloud: Any) -> None:
    """Names add up; none means all of them."""
    cloud.group(cloud.network()[1])
    client = cloud.client("autoscaling")
    for names in (["GroupMinSize"], ["GroupMaxSize"]):
        client.enable_metrics_collection(AutoScalingGroupName="group", Granularity="1Minute", Metrics=names)
    assert enabled(cloud) == {"GroupMinSize", "GroupMaxSize"}
    client.enable_metrics_collection(AutoScalingGroupName="group", Granularity="1Minute")
    assert enabled(cloud) == set(METRICS)
    client.disable_metrics_collection(AutoScalingGroupName="group", Metrics=["GroupMinSize"])
    assert enabled(cloud) == set(METRICS) - {"GroupMinSize"}
    client.disable_metrics_collection(AutoScalingGroupName="group")
    assert enabled(cloud) == set()


def test_metrics_follow_the_group_once_a_minute(cloud: Any) -> None:
    """Pending, in service and terminating instances, one datapoint for each minute.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-metrics.html
    """
    cloud.group(cloud.network()[1])
    client = cloud.client("autoscaling")
    client.enable_metrics_collection(AutoScalingGroupName="group", Granularity="1Minute")
    for step in ("pending", "in service", "terminating"):
        if step == "in service":
            cloud.hook("down", "TERMINATING", HeartbeatTimeout=600)
            cloud.settle()
        elif step == "terminating":
            client.set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=1)
        cloud.reconcile(after=60)
        for _ in range(3):
            autoscaling_metrics.publish(cloud.now)
    assert published(cloud, "GroupPendingInstances") == [2, 0, 0]
    assert published(cloud, "GroupInServiceInstances") == [0, 2, 1]
    assert published(cloud, "GroupTerminatingInstances") == [0, 0, 1]
    assert published(cloud, "GroupTotalInstances") == [2, 2, 2]
    assert published(cloud, "GroupDesiredCapacity") == [2, 2, 1]
    assert published(cloud, "GroupMaxSize") == [4, 4, 4]


def test_nothing_is_published_unasked(cloud: Any) -> None:
    """Group metrics are off until they are enabled."""
    cloud.group(cloud.network()[1])
    autoscaling_metrics.publish(cloud.now + 60)
    assert published(cloud, "GroupMinSize") == []
