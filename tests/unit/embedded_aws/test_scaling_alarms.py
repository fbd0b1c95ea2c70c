"""The alarms of a target tracking policy, as AWS makes them."""

from typing import Any

import pytest

from infra.embedded.aws import scaling_alarms

LABEL = "app/front/0123456789abcdef/targetgroup/blue/fedcba9876543210"


def requests(label: str = LABEL, **changes: Any) -> dict[str, Any]:
    """A configuration of 100 requests per target."""
    specification = {"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": label}
    return {"TargetValue": 100.0, "PredefinedMetricSpecification": specification} | changes


def test_three_minutes_out_and_fifteen_in() -> None:
    """The high alarm takes 3 of 3 minutes above the target, the low one 15 of 15 below 90 % of it."""
    high, low = scaling_alarms.alarms("web", "arn:policy", "uuid", requests())
    assert (high["AlarmName"], low["AlarmName"]) == (
        "TargetTracking-web-AlarmHigh-uuid",
        "TargetTracking-web-AlarmLow-uuid",
    )
    assert (high["ComparisonOperator"], high["Threshold"]) == ("GreaterThanThreshold", 100)
    assert (low["ComparisonOperator"], low["Threshold"]) == ("LessThanThreshold", 90)
    assert [(one["EvaluationPeriods"], one["DatapointsToAlarm"], one["Period"]) for one in (high, low)] == [
        (3, 3, 60),
        (15, 15, 60),
    ]
    assert high["AlarmActions"] == ["arn:policy"]


def test_resource_label_names_both_dimensions() -> None:
    """A label is the ends of both ARNs.

    https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PredefinedMetricSpecification.html
    """
    high, _ = scaling_alarms.alarms("web", "arn", "uuid", requests())
    assert high["Dimensions"] == [
        {"Name": "TargetGroup", "Value": "targetgroup/blue/fedcba9876543210"},
        {"Name": "LoadBalancer", "Value": "app/front/0123456789abcdef"},
    ]
    assert (high["Namespace"], high["MetricName"], high["Statistic"]) == (
        "AWS/ApplicationELB",
        "RequestCountPerTarget",
        "Sum",
    )


@pytest.mark.parametrize("label", ["", "app/front/0123", "targetgroup/blue/0123"])
def test_label_that_names_no_target_group_is_refused(label: str) -> None:
    """A label without both parts can't be resolved."""
    with pytest.raises(scaling_alarms.BadSpecificationError, match="ResourceLabel"):
        scaling_alarms.alarms("web", "arn", "uuid", requests(label))


def test_no_low_alarm_without_scale_in() -> None:
    """A policy that may only add has nothing to watch below its target."""
    (only,) = scaling_alarms.alarms("web", "arn", "uuid", requests(DisableScaleIn=True))
    assert "AlarmHigh" in only["AlarmName"]


def test_predefined_metrics_are_the_groups_own() -> None:
    """ASGAverageCPUUtilization is the average over the group's instances."""
    configuration = {
        "TargetValue": 50.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
    }
    high, _ = scaling_alarms.alarms("web", "arn", "uuid", configuration)
    assert (high["Namespace"], high["MetricName"], high["Statistic"]) == (
        "AWS/EC2",
        "CPUUtilization",
        "Average",
    )
    assert high["Dimensions"] == [{"Name": "AutoScalingGroupName", "Value": "web"}]


def test_metric_math_is_the_alarms_own() -> None:
    """The documented backlog per instance: the alarm holds the same queries, each with a period.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-target-tracking-metric-math.html
    """
    queue = {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": "my-queue"}],
    }
    size = {
        "Namespace": "AWS/AutoScaling",
        "MetricName": "GroupInServiceInstances",
        "Dimensions": [{"Name": "AutoScalingGroupName", "Value": "my-asg"}],
    }
    queries = [
        {"Id": "m1", "MetricStat": {"Metric": queue, "Stat": "Sum"}, "ReturnData": False},
        {"Id": "m2", "MetricStat": {"Metric": size, "Stat": "Average"}, "ReturnData": False},
        {"Id": "e1", "Expression": "m1 / m2", "ReturnData": True, "Label": "backlog"},
    ]
    configuration = {"TargetValue": 100.0, "CustomizedMetricSpecification": {"Metrics": queries}}
    high, low = scaling_alarms.alarms("my-asg", "arn", "uuid", configuration)
    assert high["Metrics"] == low["Metrics"]
    assert "MetricName" not in high
    by_id = {query["Id"]: query for query in high["Metrics"]}
    assert by_id["m1"]["MetricStat"] == {"Metric": queue, "Stat": "Sum", "Period": 60}
    assert (by_id["e1"]["Expression"], by_id["e1"]["ReturnData"]) == ("m1 / m2", True)
    assert by_id["m2"]["ReturnData"] is False


def test_single_customized_metric_keeps_its_statistic_and_unit() -> None:
    """What the policy names is what the alarm watches."""
    metric = {
        "Namespace": "app",
        "MetricName": "Queue",
        "Statistic": "Maximum",
        "Unit": "Count",
        "Dimensions": [{"Name": "slot", "Value": "blue"}],
    }
    high, _ = scaling_alarms.alarms(
        "web", "arn", "uuid", {"TargetValue": 5.0, "CustomizedMetricSpecification": metric}
    )
    assert {key: high[key] for key in metric} == metric


def test_a_policy_without_a_metric_is_refused() -> None:
    """There is nothing to track."""
    with pytest.raises(scaling_alarms.BadSpecificationError):
        scaling_alarms.alarms("web", "arn", "uuid", {"TargetValue": 5.0})


def test_a_target_of_nothing_is_refused() -> None:
    """No number of instances brings a metric to zero: AWS refuses such a target, and so it can't divide."""
    specification = {"PredefinedMetricType": "ASGAverageCPUUtilization"}
    configuration = {"TargetValue": 0.0, "PredefinedMetricSpecification": specification}
    with pytest.raises(scaling_alarms.BadSpecificationError, match="above 0"):
        scaling_alarms.alarms("web", "arn", "uuid", configuration)
