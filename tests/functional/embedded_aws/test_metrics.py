"""Metrics through the API: what was put comes back, as CloudWatch counts it."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

_MINUTE = 60


@pytest.fixture
def start() -> float:
    """Return a whole minute ten minutes ago."""
    return time.time() // _MINUTE * _MINUTE - 10 * _MINUTE


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _put(client: Any, at: float, **datum: Any) -> None:
    client.put_metric_data(
        Namespace="test", MetricData=[{"MetricName": "latency", "Timestamp": _moment(at), **datum}]
    )


def _metric(id_: str, statistic: str, **more: Any) -> dict[str, Any]:
    metric = {"Namespace": "test", "MetricName": "latency"}
    return {"Id": id_, "MetricStat": {"Metric": metric, "Period": _MINUTE, "Stat": statistic}, **more}


def _ask(client: Any, start: float, *queries: dict[str, Any], **more: Any) -> dict[str, list[float]]:
    answer = client.get_metric_data(
        MetricDataQueries=list(queries),
        StartTime=_moment(start),
        EndTime=_moment(start + 10 * _MINUTE),
        ScanBy="TimestampAscending",
        **more,
    )
    return {one["Id"]: one["Values"] for one in answer["MetricDataResults"]}


def test_values_with_counts_give_every_statistic(cloud: Any, start: float) -> None:
    """Weighted values have exact sums, and percentiles over all samples."""
    client = cloud.client("cloudwatch")
    _put(client, start + 5, Values=[1.0, 2.0, 10.0], Counts=[5.0, 4.0, 1.0], Unit="Seconds")
    statistics = ["SampleCount", "Sum", "Average", "Minimum", "Maximum", "p50", "p100"]
    found = _ask(client, start, *(_metric(f"m{i}", one) for i, one in enumerate(statistics)))
    assert [found[f"m{i}"] for i in range(len(statistics))] == [[10], [23], [2.3], [1], [10], [1.5], [10]]


def test_statistic_sets_have_no_percentiles_unless_all_values_are_equal(cloud: Any, start: float) -> None:
    """As documented in "CloudWatch statistics definitions": raw values are needed, or Min equals Max."""
    client = cloud.client("cloudwatch")
    _put(client, start, StatisticValues={"SampleCount": 3, "Sum": 6, "Minimum": 1, "Maximum": 3})
    _put(client, start + 60, StatisticValues={"SampleCount": 3, "Sum": 6, "Minimum": 2, "Maximum": 2})
    found = _ask(client, start, _metric("sum", "Sum"), _metric("p", "p90"))
    assert found == {"sum": [6, 6], "p": [2]}


def test_math_over_metrics_hides_what_is_not_returned(cloud: Any, start: float) -> None:
    """Expressions build on metrics and on each other, whatever their order."""
    client = cloud.client("cloudwatch")
    for minute, value in enumerate([2.0, 4.0]):
        _put(client, start + minute * _MINUTE, Value=value)
    found = _ask(
        client,
        start,
        {"Id": "e2", "Expression": "e1 * 10"},
        {"Id": "e1", "Expression": "m1 / PERIOD(m1)", "ReturnData": False},
        _metric("m1", "Sum", ReturnData=False),
    )
    assert found == {"e2": [pytest.approx(20 / 60), pytest.approx(40 / 60)]}


@pytest.mark.parametrize(
    "expression", ["FOO(m1)", "m1 +", "m2 + 1", "AVG(m1)", "m1.__class__", "[m for m in m1]"]
)
def test_wrong_expression_is_a_validation_error(cloud: Any, start: float, expression: str) -> None:
    """A wrong expression is refused, never answered with nothing."""
    client = cloud.client("cloudwatch")
    _put(client, start, Value=1.0)
    with pytest.raises(ClientError) as error:
        _ask(client, start, _metric("m1", "Sum"), {"Id": "e1", "Expression": expression})
    assert error.value.response["Error"]["Code"] == "ValidationError"


def test_search_finds_new_metrics_at_once(cloud: Any, start: float) -> None:
    """Each metric that matches schema and terms is a series with a label of its own."""
    client = cloud.client("cloudwatch")
    for model in ("chat", "code"):
        _put(client, start, Value=1.0, Dimensions=[{"Name": "model", "Value": model}])
    expression = "SEARCH('{test,model} MetricName=\"latency\"', 'Sum', 60)"
    answer = client.get_metric_data(
        MetricDataQueries=[{"Id": "s", "Expression": expression}],
        StartTime=_moment(start),
        EndTime=_moment(start + 60),
    )
    assert [(one["Id"], one["Label"]) for one in answer["MetricDataResults"]] == [
        ("s", "chat latency"),
        ("s", "code latency"),
    ]


def test_pages_of_data_hold_what_was_asked(cloud: Any, start: float) -> None:
    """All pages together are the whole answer."""
    client = cloud.client("cloudwatch")
    for minute in range(5):
        _put(client, start + minute * _MINUTE, Value=float(minute))
    pages = client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[_metric("m1", "Sum")],
        StartTime=_moment(start),
        EndTime=_moment(start + 600),
        ScanBy="TimestampAscending",
        MaxDatapoints=2,
    )
    assert [one["Values"] for page in pages for one in page["MetricDataResults"]] == [[0, 1], [2, 3], [4]]


def test_statistics_come_by_unit_with_percentiles(cloud: Any, start: float) -> None:
    """GetMetricStatistics has a row for each unit, and the extended statistics that were asked for."""
    client = cloud.client("cloudwatch")
    _put(client, start, Value=1.0, Unit="Seconds")
    _put(client, start, Value=3.0, Unit="Seconds")
    answer = client.get_metric_statistics(
        Namespace="test",
        MetricName="latency",
        StartTime=_moment(start),
        EndTime=_moment(start + 60),
        Period=60,
        ExtendedStatistics=["p50"],
    )
    (row,) = answer["Datapoints"]
    assert (row["Timestamp"], row["Unit"], row["ExtendedStatistics"]) == (
        _moment(start),
        "Seconds",
        {"p50": 2.0},
    )


def test_listed_metrics_have_exactly_the_dimensions_they_were_put_with(cloud: Any, start: float) -> None:
    """A metric is listed once, and found by a dimension's name or value."""
    client = cloud.client("cloudwatch")
    for _ in range(2):
        _put(client, start, Value=1.0, Dimensions=[{"Name": "model", "Value": "chat"}])
    _put(client, start, Value=1.0)
    assert len(client.list_metrics(Namespace="test")["Metrics"]) == 2
    (found,) = client.list_metrics(Namespace="test", Dimensions=[{"Name": "model"}])["Metrics"]
    assert found["Dimensions"] == [{"Name": "model", "Value": "chat"}]


@pytest.mark.parametrize(
    ("namespace", "datum"),
    [
        ("AWS/EC2", {"Value": 1.0}),
        ("test", {"Values": [1.0], "Counts": [1.0, 2.0]}),
        ("test", {"Value": 1.0, "StorageResolution": 5}),
        ("test", {"Value": 1.0, "Timestamp": datetime(2020, 1, 1, tzinfo=UTC)}),
        ("test", {"Values": [float(i) for i in range(151)]}),
    ],
)
def test_bad_datum_is_refused(cloud: Any, namespace: str, datum: dict[str, Any]) -> None:
    """What CloudWatch refuses is refused here, and nothing is stored."""
    client = cloud.client("cloudwatch")
    with pytest.raises(ClientError, match="Invalid"):
        client.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "latency", **datum}])
    assert client.list_metrics()["Metrics"] == []


def test_large_request_arrives_compressed(cloud: Any, start: float) -> None:
    """SDKs compress large PutMetricData requests; all datapoints are counted."""
    client, encodings = cloud.client("cloudwatch"), []

    def see(request: Any, **_: Any) -> None:
        encodings.append(dict(request.headers).get("Content-Encoding"))

    client.meta.events.register("before-send.cloudwatch", see, unique_id="see")
    values = [float(value) for value in range(150)]
    datum = {"Timestamp": _moment(start), "Values": values, "Counts": [2.0] * 150}
    client.put_metric_data(
        Namespace="test", MetricData=[{"MetricName": "latency", **datum} for _ in range(20)]
    )
    client.meta.events.unregister("before-send.cloudwatch", unique_id="see")
    assert encodings == [b"gzip"]
    assert _ask(client, start, _metric("m1", "SampleCount")) == {"m1": [150 * 2 * 20]}
