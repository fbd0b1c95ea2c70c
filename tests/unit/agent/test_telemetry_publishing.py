"""From a tally to CloudWatch: levels, limits, and what becomes of a publication that fails."""

import itertools
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from infra.agent.catalogue import METRICS, Kind, Level
from infra.agent.telemetry.datums import Who, datums
from infra.agent.telemetry.lines import line
from infra.agent.telemetry.publisher import Publisher
from infra.agent.telemetry.scraper import Schedule
from infra.agent.telemetry.tally import Tally

WHO = Who(environment="test", model="chat", slot="blue", release="7", replica="i-1")
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


def everything(values: int) -> Tally:
    """All metrics, with so many different values."""
    tally = Tally()
    for name, metric in METRICS.items():
        if metric.kind is Kind.COUNT:
            tally.count(name, 3)
        for number in range(values if metric.kind is not Kind.COUNT else 0):
            tally.value(name, number * 1.23456789 + 0.1)
    return tally


def published(data: list[dict[str, Any]]) -> set[tuple[str, tuple[str, ...]]]:
    """Names with the names of their dimensions."""
    return {(each["MetricName"], tuple(dim["Name"] for dim in each["Dimensions"])) for each in data}


def test_each_metric_goes_to_its_levels() -> None:
    """A level too many is billed, a level too few has no figure."""
    expected = {
        (name, level.value)
        for name, metric in METRICS.items()
        for level in metric.levels
        if level is not Level.REPLICA
    }
    assert published(datums(everything(1), WHO, AT, resolution=60)) == expected


def test_unknown_release_and_slot_leave_their_levels_out() -> None:
    """A wrong dimension would be another metric, and mislead whoever judges the release."""
    who = Who(environment="test", model="chat", slot="blue", release="", replica="i-1")
    levels = {names for _, names in published(datums(everything(1), who, AT, resolution=60))}
    assert levels == {Level.MODEL.value, Level.SLOT.value}


def test_the_largest_publication_is_one_request() -> None:
    """A publication is taken as a whole or not at all, so it must fit into one call."""
    data = datums(everything(1000), WHO, AT, resolution=1)
    assert len(data) <= 1000
    assert all(len(each["Values"]) == len(each["Counts"]) <= 150 for each in data)
    assert len(json.dumps(data, default=str)) < 1_000_000


def test_counts_are_one_value_and_nonsense_is_left_out() -> None:
    """CloudWatch refuses the whole request for one value that it doesn't take."""
    tally = Tally({"Requests": 5.0}, {"Latency": {float("nan"): 1.0, -1.0: 1.0, 2.0: 3.0}})
    by_name = {each["MetricName"]: each for each in datums(tally, WHO, AT, resolution=60)}
    assert (by_name["Requests"]["Values"], by_name["Requests"]["Counts"]) == ([5.0], [1.0])
    assert (by_name["Latency"]["Values"], by_name["Latency"]["Counts"]) == ([2.0], [3.0])


@pytest.mark.parametrize("metrics", [True, False])
def test_replicas_line_makes_metrics_only_if_asked(metrics: bool) -> None:
    """Metrics for each replica cost money; the line stays for queries."""
    tally = Tally({"Requests": 5.0, "ServerErrors": 1.0}, {"InFlight": {2.0: 3.0, 4.0: 1.0}})
    text = json.loads(line(tally, WHO, {"zone": "us-east-1a"}, epoch=AT.timestamp(), metrics=metrics))
    assert (text["Requests"], text["InFlight"], text["zone"]) == (5.0, [2.0, 2.0, 2.0, 4.0], "us-east-1a")
    assert "ServerErrors" not in text
    assert ("_aws" in text) is metrics
    if metrics:
        (directive,) = text["_aws"]["CloudWatchMetrics"]
        assert directive["Dimensions"] == [["environment", "model", "replica"]]
        assert {each["Name"] for each in directive["Metrics"]} == {"Requests", "InFlight"}
        assert all(text[name] for name in directive["Dimensions"][0])


class FakeCloudWatch:
    """Takes metrics, or fails in a way."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.requests: list[dict[str, Any]] = []

    def put_metric_data(self, **request: Any) -> None:
        """As boto3."""
        if self.failure:
            raise self.failure
        self.requests.append(request)

    def sums(self, name: str, level: Level = Level.MODEL) -> list[float]:
        """Of a metric on a level, by request."""
        return [
            sum(value * count for value, count in zip(each["Values"], each["Counts"], strict=True))
            for request in self.requests
            for each in request["MetricData"]
            if each["MetricName"] == name and tuple(dim["Name"] for dim in each["Dimensions"]) == level.value
        ]


def client_error(code: str) -> ClientError:
    """As CloudWatch refuses."""
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "PutMetricData")


@pytest.mark.parametrize(
    ("failure", "sums"),
    [
        (client_error("ThrottlingException"), [5]),
        (client_error("AccessDenied"), [5]),
        (EndpointConnectionError(endpoint_url="http://monitoring"), [5]),
        (ReadTimeoutError(endpoint_url="http://monitoring"), [2]),
        (client_error("InvalidParameterValue"), [2]),
    ],
)
def test_what_was_not_taken_joins_the_next(failure: Exception, sums: list[float]) -> None:
    """Nothing is lost in an outage; what may have been taken, or never will be, isn't sent again."""
    cloudwatch = FakeCloudWatch()
    publisher = Publisher(cloudwatch, 60)  # type: ignore[arg-type]
    publisher.start()
    cloudwatch.failure = failure
    publisher.offer(Tally({"Requests": 3.0}), WHO, 1000.0)
    publisher.flush(5)
    cloudwatch.failure = None
    publisher.offer(Tally({"Requests": 2.0}), WHO, 1060.0)
    publisher.flush(5)
    assert cloudwatch.sums("Requests") == sums
    assert cloudwatch.requests[0]["MetricData"][0]["Timestamp"].timestamp() == 1060


def test_a_name_outlives_the_outage() -> None:
    """Figures of before the notice are the release's, and those of after it aren't, however late both go."""
    cloudwatch = FakeCloudWatch()
    publisher = Publisher(cloudwatch, 60)  # type: ignore[arg-type]
    publisher.start()
    cloudwatch.failure = client_error("ThrottlingException")
    publisher.offer(Tally({"Requests": 3.0}), WHO, 1000.0)
    publisher.flush(5)
    publisher.offer(Tally({"Requests": 2.0}), WHO.leaving, 1060.0)
    publisher.flush(5)
    cloudwatch.failure = None
    publisher.offer(Tally({"Requests": 1.0}), WHO.leaving, 1120.0)
    publisher.flush(5)
    assert sum(cloudwatch.sums("Requests", Level.MODEL)) == 6
    assert cloudwatch.sums("Requests", Level.RELEASE) == [3]


def test_memory_stays_bounded_in_a_long_outage() -> None:
    """An account without the permission must not fill the replica's memory."""
    tally = Tally()
    for number in range(500):
        tally.add(Tally({"Requests": 1.0}, {"Latency": {number * 0.37 + part: 1.0 for part in range(10)}}))
    assert len(tally.last("Latency")) <= 600
    assert sum(tally.last("Latency").values()) == pytest.approx(5000)
    assert tally.counts["Requests"] == 500


def test_resolution_follows_the_interval() -> None:
    """Values by the second only where they come more than once a minute."""
    for interval, resolution in ((60, 60), (10, 1)):
        cloudwatch = FakeCloudWatch()
        publisher = Publisher(cloudwatch, interval)  # type: ignore[arg-type]
        assert publisher.publish(Tally({"Requests": 1.0}), WHO, 1000.0)
        assert cloudwatch.requests[0]["MetricData"][0]["StorageResolution"] == resolution


@pytest.mark.parametrize(("interval", "scrapes"), [(60, 12), (10, 2), (5, 1), (6, 2), (12, 3)])
def test_publications_end_their_interval(interval: int, scrapes: int) -> None:
    """A minute's figures lie within that minute, and each publication follows a scrape."""
    schedule = Schedule(interval)
    assert schedule.scrapes == scrapes
    number = schedule.after(1_800_000_000.5)
    due = [schedule.due(number + index) for index in range(3 * scrapes)]
    assert due[0] > 1_800_000_000.5
    assert all(0 < later - earlier <= 5.0001 for earlier, later in itertools.pairwise(due))
    ends = [schedule.due(each) for each in range(number, number + 3 * scrapes) if each % scrapes == 0]
    assert len(ends) == 3
    assert all((at + 1) % interval == pytest.approx(0) for at in ends)
    assert schedule.after(due[0]) == number + 1
