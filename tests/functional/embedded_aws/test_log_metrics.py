"""Log events that become metrics: embedded metric format and metric filters."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def logs(cloud: Any) -> Any:
    """Return the client of a cloud with one log stream."""
    client = cloud.client("logs")
    client.create_log_group(logGroupName="group")
    client.create_log_stream(logGroupName="group", logStreamName="stream")
    return client


def _put(logs: Any, *messages: str) -> None:
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    logs.put_log_events(logGroupName="group", logStreamName="stream", logEvents=events)


def _filter(logs: Any, pattern: str, **more: str) -> None:
    transformation = {"metricName": "errors", "metricNamespace": "test", "metricValue": "1", **more}
    logs.put_metric_filter(
        logGroupName="group", filterName="f", filterPattern=pattern, metricTransformations=[transformation]
    )


def _total(cloud: Any, name: str, statistic: str = "Sum", **dimensions: str) -> list[float]:
    now = time.time()
    answer = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="test",
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=datetime.fromtimestamp(now - 600, UTC),
        EndTime=datetime.fromtimestamp(now + 600, UTC),
        Period=3600,
        Statistics=[statistic],
    )
    return [row[statistic] for row in answer["Datapoints"]]


def test_embedded_metric_format_becomes_metrics(cloud: Any, logs: Any) -> None:
    """Each dimension set gets a metric; numbers, arrays and values with counts are samples."""
    document = {
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": "test",
                    "Dimensions": [["model"], ["model", "replica"]],
                    "Metrics": [
                        {"Name": "tokens", "Unit": "Count"},
                        {"Name": "latency"},
                        {"Name": "waits"},
                        {"Name": "absent"},
                    ],
                }
            ],
        },
        "model": "chat",
        "replica": "i-1",
        "tokens": 12,
        "latency": [1, 2, 3],
        "waits": {"Values": [5, 7], "Counts": [2, 1]},
    }
    _put(logs, json.dumps(document), "plain text with _aws", '{"_aws": 1}')
    assert _total(cloud, "tokens", model="chat") == [12]
    assert _total(cloud, "latency", model="chat", replica="i-1") == [6]
    assert _total(cloud, "waits", "SampleCount", model="chat") == [3]
    assert _total(cloud, "absent", model="chat") == []


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", 4),
        ("ERROR", 1),
        ("ERROR -disk", 0),
        ("?ERROR ?ready", 2),
        ('"disk is full"', 1),
        ('{ $.level = "error" }', 1),
        ('{ $.level = "e*" && $.code >= 500 }', 1),
        ("{ ($.code = 404 || $.code = 503) && $.retry IS FALSE }", 1),
        ("{ $.detail.parts[1] = b }", 1),
        ("{ $.code NOT EXISTS }", 1),
        ("{ $.level != error }", 1),
    ],
)
def test_metric_filter_counts_what_matches(cloud: Any, logs: Any, pattern: str, expected: int) -> None:
    """The forms of "Filter pattern syntax": terms, and conditions on JSON fields."""
    _filter(logs, pattern)
    _put(
        logs,
        "ERROR disk is full",
        "ready",
        '{"level": "error", "code": 503, "retry": false}',
        '{"level": "info", "detail": {"parts": ["a", "b"]}}',
    )
    assert sum(_total(cloud, "errors")) == expected


@pytest.mark.parametrize(
    "directives",
    [
        7,
        ["tokens"],
        [{"Namespace": "test", "Metrics": ["tokens"]}],
        [{"Namespace": "test", "Metrics": [{"Name": ["tokens"]}]}],
        [{"Namespace": "test", "Metrics": [{"Name": "tokens"}], "Dimensions": [[{}]]}],
        [{"Namespace": "test", "Metrics": [{"Name": "words"}]}],
    ],
)
def test_what_does_not_follow_the_format_is_a_log_line(cloud: Any, logs: Any, directives: Any) -> None:
    """Whatever a program writes, its logs are taken; only the metrics are missing."""
    _put(
        logs, json.dumps({"_aws": {"CloudWatchMetrics": directives}, "tokens": 1, "words": {"Values": ["a"]}})
    )
    assert len(logs.filter_log_events(logGroupName="group")["events"]) == 1
    assert cloud.client("cloudwatch").list_metrics(Namespace="test")["Metrics"] == []


def test_filter_takes_value_and_dimensions_from_fields(cloud: Any, logs: Any) -> None:
    """`$.field` names where a metric's value and dimensions are."""
    transformation = {
        "metricName": "seconds",
        "metricNamespace": "test",
        "metricValue": "$.took",
        "dimensions": {"Model": "$.model"},
    }
    logs.put_metric_filter(
        logGroupName="group",
        filterName="f",
        filterPattern="{ $.took > 0 }",
        metricTransformations=[transformation],
    )
    _put(logs, '{"took": 2.5, "model": "chat"}', '{"took": "no number", "model": "chat"}')
    assert _total(cloud, "seconds", Model="chat") == [2.5]


def test_filter_is_changed_not_doubled(cloud: Any, logs: Any) -> None:
    """Putting a filter of the same name again replaces it."""
    for pattern in ("first", "second"):
        _filter(logs, pattern)
    (found,) = logs.describe_metric_filters(logGroupName="group")["metricFilters"]
    assert found["filterPattern"] == "second"


def test_wrong_pattern_is_refused(logs: Any) -> None:
    """A pattern that can't be applied is refused when it is put."""
    with pytest.raises(ClientError, match="InvalidParameter"):
        _filter(logs, "{ $.a = }")
