"""The alarms that a target tracking policy brings along: pure, as parameters of PutMetricAlarm.

One above the target and one below 90 % of it, named and timed as AWS does: three minutes to scale out,
fifteen to scale in. A policy that must not scale in has no lower one.
"""

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

_PERIOD = 60
_OUT_PERIODS = 3
_IN_PERIODS = 15
_IN_SHARE = 0.9
_PREDEFINED = {
    "ASGAverageCPUUtilization": "CPUUtilization",
    "ASGAverageNetworkIn": "NetworkIn",
    "ASGAverageNetworkOut": "NetworkOut",
}
_REQUESTS = "ALBRequestCountPerTarget"


class BadSpecificationError(ValueError):
    """A target tracking configuration that AWS refuses; the text says why."""


def alarm_names(group: str, token: str) -> tuple[str, str]:
    """Names of a policy's two alarms, above and below; `token` is the policy's own UUID."""
    return f"TargetTracking-{group}-AlarmHigh-{token}", f"TargetTracking-{group}-AlarmLow-{token}"


def alarms(group: str, policy_arn: str, token: str, configuration: Mapping[str, Any]) -> list[Json]:
    """Parameters of the policy's alarms. Raises BadSpecificationError."""
    target = float(configuration["TargetValue"])
    if target <= 0:
        raise BadSpecificationError("TargetValue must be above 0")
    high, low = alarm_names(group, token)
    common: Json = {
        **_metric(group, configuration),
        "AlarmActions": [policy_arn],
        "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy_arn}.",
    }
    above = _threshold(high, "GreaterThanThreshold", target, _OUT_PERIODS)
    below = _threshold(low, "LessThanThreshold", target * _IN_SHARE, _IN_PERIODS)
    wanted = [above] if scale_in_disabled(configuration) else [above, below]
    return [{**one, **common} for one in wanted]


def scale_in_disabled(configuration: Mapping[str, Any]) -> bool:
    """Whether a policy may only add capacity."""
    return str(configuration.get("DisableScaleIn", False)).lower() == "true"


def _threshold(name: str, comparison: str, threshold: float, periods: int) -> Json:
    return {
        "AlarmName": name,
        "ComparisonOperator": comparison,
        "Threshold": threshold,
        "EvaluationPeriods": periods,
        "DatapointsToAlarm": periods,
    }


def _metric(group: str, configuration: Mapping[str, Any]) -> Json:
    if predefined := configuration.get("PredefinedMetricSpecification"):
        return _predefined(group, predefined)
    if customized := configuration.get("CustomizedMetricSpecification"):
        return _customized(customized)
    raise BadSpecificationError("a target tracking policy needs a predefined or a customized metric")


def _predefined(group: str, specification: Mapping[str, Any]) -> Json:
    kind = specification["PredefinedMetricType"]
    if kind == _REQUESTS:
        return _requests_per_target(specification.get("ResourceLabel") or "")
    if kind not in _PREDEFINED:
        raise BadSpecificationError(f"unknown predefined metric type {kind}")
    return {
        "Namespace": "AWS/EC2",
        "MetricName": _PREDEFINED[kind],
        "Dimensions": [{"Name": "AutoScalingGroupName", "Value": group}],
        "Statistic": "Average",
        "Period": _PERIOD,
    }


def _requests_per_target(label: str) -> Json:
    """A label is app/NAME/ID/targetgroup/NAME/ID: the ends of both ARNs."""
    balancer, separator, target_group = label.partition("/targetgroup/")
    if not (separator and balancer.startswith("app/") and "/" in target_group):
        raise BadSpecificationError(
            f"Invalid ResourceLabel: {label}. Valid format is app/<load balancer name>/<id>/targetgroup/"
            "<target group name>/<id>"
        )
    return {
        "Namespace": "AWS/ApplicationELB",
        "MetricName": "RequestCountPerTarget",
        "Dimensions": [
            {"Name": "TargetGroup", "Value": f"targetgroup/{target_group}"},
            {"Name": "LoadBalancer", "Value": balancer},
        ],
        "Statistic": "Sum",
        "Period": _PERIOD,
    }


def _customized(specification: Mapping[str, Any]) -> Json:
    if queries := specification.get("Metrics"):
        return {"Metrics": [_query(query) for query in queries]}
    if not (specification.get("MetricName") and specification.get("Namespace")):
        raise BadSpecificationError("a customized metric needs MetricName and Namespace, or Metrics")
    metric: Json = {
        "Namespace": specification["Namespace"],
        "MetricName": specification["MetricName"],
        "Dimensions": [dict(one) for one in specification.get("Dimensions") or ()],
        "Statistic": specification.get("Statistic") or "Average",
        "Period": int(specification.get("Period") or _PERIOD),
    }
    return {**metric, "Unit": specification["Unit"]} if specification.get("Unit") else metric


def _query(query: Mapping[str, Any]) -> Json:
    """A metric data query as an alarm holds it: with a period on each metric."""
    converted: Json = {
        "Id": query["Id"],
        "ReturnData": str(query.get("ReturnData", True)).lower() == "true",
    }
    if query.get("Label"):
        converted["Label"] = query["Label"]
    if query.get("Expression"):
        return {**converted, "Expression": query["Expression"], "Period": int(query.get("Period") or _PERIOD)}
    stat = query["MetricStat"]
    metric: Json = {
        "Namespace": stat["Metric"]["Namespace"],
        "MetricName": stat["Metric"]["MetricName"],
        "Dimensions": [dict(one) for one in stat["Metric"].get("Dimensions") or ()],
    }
    converted["MetricStat"] = {
        "Metric": metric,
        "Stat": stat["Stat"],
        "Period": int(stat.get("Period") or query.get("Period") or _PERIOD),
        **({"Unit": stat["Unit"]} if stat.get("Unit") else {}),
    }
    return converted
