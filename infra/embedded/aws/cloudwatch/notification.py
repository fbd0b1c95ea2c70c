"""What SNS tells of an alarm: the message that CloudWatch publishes on a change of state."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from infra.embedded.aws.cloudwatch.actions import State
from infra.embedded.aws.cloudwatch.alarm import Alarm

_REGIONS = {
    "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)",
    "us-west-1": "US West (N. California)",
    "us-west-2": "US West (Oregon)",
    "eu-west-1": "EU (Ireland)",
    "eu-central-1": "EU (Frankfurt)",
}
_STATISTICS = {"SampleCount": "SAMPLE_COUNT"}

Json = dict[str, Any]


def message(alarm: Alarm, old: State, now: float) -> Json:
    """The message about an alarm that just changed from `old`; `now` is real epoch seconds."""
    configuration = alarm.configuration
    said: Json = {
        "AlarmName": alarm.name,
        "AlarmDescription": configuration.get("AlarmDescription"),
        "AWSAccountId": alarm.account,
        "AlarmConfigurationUpdatedTimestamp": _time(alarm.configured),
        "NewStateValue": str(alarm.state),
        "NewStateReason": alarm.reason,
        "StateChangeTime": _time(now),
        "Region": _REGIONS.get(alarm.region, alarm.region),
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": str(old),
        "OKActions": configuration.get("OKActions") or [],
        "AlarmActions": configuration.get("AlarmActions") or [],
        "InsufficientDataActions": configuration.get("InsufficientDataActions") or [],
    }
    if alarm.rule is not None:
        return {**said, "AlarmRule": alarm.rule.text}
    return {**said, "Trigger": _trigger(configuration)}


def _time(at: float) -> str:
    stamp = datetime.fromtimestamp(at, UTC)
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{stamp.microsecond // 1000:03d}+0000"


def _trigger(configuration: Mapping[str, Any]) -> Json:
    how: Json = {
        "EvaluationPeriods": configuration.get("EvaluationPeriods"),
        "DatapointsToAlarm": configuration.get("DatapointsToAlarm") or configuration.get("EvaluationPeriods"),
        "ComparisonOperator": configuration.get("ComparisonOperator"),
        "Threshold": configuration.get("Threshold"),
        "TreatMissingData": configuration.get("TreatMissingData") or "missing",
        "EvaluateLowSampleCountPercentile": configuration.get("EvaluateLowSampleCountPercentile") or "",
    }
    if metrics := configuration.get("Metrics"):
        return {"Period": configuration.get("Period"), **how, "Metrics": [_query(one) for one in metrics]}
    return {
        "MetricName": configuration.get("MetricName"),
        "Namespace": configuration.get("Namespace"),
        **_statistic(configuration),
        "Unit": configuration.get("Unit"),
        "Dimensions": _dimensions(configuration.get("Dimensions") or ()),
        "Period": configuration.get("Period"),
        **how,
    }


def _statistic(configuration: Mapping[str, Any]) -> Json:
    if extended := configuration.get("ExtendedStatistic"):
        return {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": extended}
    statistic = str(configuration.get("Statistic"))
    return {"StatisticType": "Statistic", "Statistic": _STATISTICS.get(statistic, statistic.upper())}


def _query(query: Mapping[str, Any]) -> Json:
    said = {name: query[name] for name in ("Id", "Expression", "Label") if query.get(name)}
    if stat := query.get("MetricStat"):
        metric = stat["Metric"]
        said["MetricStat"] = {
            "Metric": {
                "Dimensions": _dimensions(metric.get("Dimensions") or ()),
                "MetricName": metric.get("MetricName"),
                "Namespace": metric.get("Namespace"),
            },
            "Period": stat.get("Period"),
            "Stat": stat.get("Stat"),
        }
    return {**said, "ReturnData": query.get("ReturnData", True)}


def _dimensions(dimensions: Any) -> list[Json]:
    return [{"value": one["Value"], "name": one["Name"]} for one in dimensions]
