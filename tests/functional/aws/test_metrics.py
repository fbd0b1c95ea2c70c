"""Metrics that were published come back as they were, through figures, CloudWatch's API and the summary."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import fmean

import msgspec
import pytest

from infra.agent import catalogue
from infra.agent.catalogue import Level, Metric
from infra.aws.balancer import AwsBalancer
from infra.aws.metrics import MAX_QUERIES, CloudWatchReader, batched
from infra.aws.runtime_table import RuntimeTable
from infra.aws.session import Session
from infra.embedded.aws import cloudwatch
from infra.environment.model import Engine, Environment, Instances, Price
from infra.environment.slots import Market, Slot
from infra.metrics.summary import Row, Summary, summarise
from infra.metrics.targets import targets
from infra.metrics.window import Window, window
from infra.observability.serving import Serving
from infra.observability.types import Line, Sources, Term
from tests.fakes.stack import bring_up

ACCOUNT = "123456789012"
MINUTES = 10


def observed(environment: Environment) -> Environment:
    """The environment with an engine that tells everything, and with prices."""
    instances = Instances(types=("g5.xlarge",), zones=("us-east-1a",), price=Price(on_demand=1.0, spot=0.25))
    models = {
        name: msgspec.structs.replace(each, engine=Engine(name="simulator", version="1"), instances=instances)
        for name, each in environment.models.items()
    }
    return msgspec.structs.replace(environment, models=models)


class Publisher:
    """Publishes like the agents of one release do, and like AWS's own services."""

    def __init__(self, session: Session, environment: str, window: Window) -> None:
        self._session = session
        self._environment = environment
        self._minutes = [window.since + timedelta(minutes=number) for number in range(MINUTES)]

    def replicas(self, metric: Metric, values: Mapping[float, float], serving: Serving) -> None:
        """Each minute these values (value: count), on every level of the metric that has one place here."""
        places = {
            "environment": self._environment,
            "model": "chat",
            "slot": serving.slot.value,
            "release": str(serving.release),
        }
        for level in metric.levels - {Level.REPLICA}:
            for minute in self._minutes:
                self._session.cloudwatch.put_metric_data(
                    Namespace=catalogue.NAMESPACE,
                    MetricData=[
                        {
                            "MetricName": metric.name,
                            "Dimensions": [{"Name": name, "Value": places[name]} for name in level.value],
                            "Timestamp": minute,
                            "Values": list(values),
                            "Counts": list(values.values()),
                            "Unit": "None",
                        }
                    ],
                )

    def aws(self, namespace: str, name: str, dimensions: Mapping[str, str], value: float) -> None:
        """A value each minute, as the load balancer and the groups do."""
        for minute in self._minutes:
            cloudwatch.record(
                ACCOUNT, "us-east-1", namespace, name, dimensions, [(value, 1)], minute.timestamp()
            )

    def balancer(self, sources: Sources, slot: Slot, name: str, value: float) -> None:
        """A value each minute for a slot's target group."""
        dimensions = {"LoadBalancer": sources.balancer, "TargetGroup": sources.target_groups[slot]}
        self.aws("AWS/ApplicationELB", name, dimensions, value)

    def groups(self, sources: Sources, sizes: Mapping[tuple[Slot, Market], float]) -> None:
        """Sizes of the groups."""
        for place, group in sources.groups.items():
            for name in ("GroupInServiceInstances", "GroupDesiredCapacity", "GroupTotalInstances"):
                dimensions = {"AutoScalingGroupName": group}
                self.aws("AWS/AutoScaling", name, dimensions, sizes.get(place, 0.0))


def summary(session: Session, environment: Environment, window: Window) -> Summary:
    """What `llmctl metrics` would show."""
    reader = CloudWatchReader(session, environment.environment)
    runtime = RuntimeTable(session, environment.environment)
    origins = AwsBalancer(session, environment)
    found = targets(list(environment.models), origins, runtime, reader)
    return summarise(environment, found, reader, window)


def values(row: Row) -> dict[str, float | None]:
    """Values by measure."""
    return {name: measure.value for name, measure in row.measures.items()}


@pytest.fixture
def recent() -> Window:
    """The last ten whole minutes."""
    return window(datetime.now(UTC), MINUTES * 60, 60)


def test_what_was_published_is_what_is_shown(
    session: Session, environment: Environment, recent: Window
) -> None:
    """Rates, error rates, percentiles, sizes and costs, exactly, for the model and each release."""
    bring_up(session, environment)
    environment = observed(environment)
    sources = AwsBalancer(session, environment).sources()["chat"]
    publisher = Publisher(session, environment.environment, recent)
    blue, green = Serving(Slot.BLUE, 1), Serving(Slot.GREEN, 2)
    for serving, requests in ((blue, 90.0), (green, 30.0)):
        publisher.balancer(sources, serving.slot, "RequestCount", requests)
        publisher.replicas(catalogue.REQUESTS, {requests: 1}, serving)
        publisher.replicas(catalogue.GENERATED_TOKENS, {requests * 100: 1}, serving)
        publisher.replicas(catalogue.IN_FLIGHT, {2.0: 6, 4.0: 6}, serving)
    publisher.balancer(sources, Slot.BLUE, "HTTPCode_Target_5XX_Count", 6.0)
    publisher.replicas(catalogue.FIRST_TOKEN, {0.1: 80, 0.5: 10}, blue)
    publisher.replicas(catalogue.FIRST_TOKEN, {2.0: 30}, green)
    sizes = {
        (Slot.BLUE, Market.SPOT): 3.0,
        (Slot.BLUE, Market.ON_DEMAND): 1.0,
        (Slot.GREEN, Market.SPOT): 1.0,
    }
    publisher.groups(sources, sizes)

    whole, first, second = (row for row in summary(session, environment, recent).rows if row.model == "chat")
    found = values(whole)
    assert found["requests"] == pytest.approx(2.0)
    assert found["errors"] == pytest.approx(5.0)
    assert found["tokens_generated"] == pytest.approx(200.0)
    assert found["ttft_p50"] == pytest.approx(0.1)
    assert found["ttft_p95"] == pytest.approx(2.0)
    assert found["in_flight"] == pytest.approx(3.0)
    assert found["replicas"] == 5.0
    assert found["cost"] == pytest.approx(4 * 0.25 + 1 * 1.0)
    assert found["cost_per_million"] == pytest.approx(2.0 / (200 * 3600 / 1e6))
    assert [point.value for point in whole.measures["requests"].points] == pytest.approx([2.0] * MINUTES)
    assert whole.note == ""

    assert (first.slot, first.release, first.live) == (Slot.BLUE, 1, True)
    assert (second.slot, second.release, second.live) == (Slot.GREEN, 2, False)
    assert values(first)["requests"] == pytest.approx(1.5)
    assert values(second)["ttft_p50"] == pytest.approx(2.0)
    assert fmean(point.value for point in second.measures["requests"].points) == pytest.approx(0.5)


def test_an_idle_environment_says_so(session: Session, environment: Environment, recent: Window) -> None:
    """Deployed and without traffic: rows are there, and nothing in them is made up."""
    bring_up(session, environment)
    rows = summary(session, observed(environment), recent).rows
    assert [(row.model, row.release) for row in rows] == [
        ("chat", None),
        ("chat", 1),
        ("french", None),
        ("french", 1),
    ]
    for row in rows:
        assert all(value in (None, 0.0) for value in values(row).values()), row
    assert all(row.note for row in rows if row.release is None)


def test_nothing_is_there_before_the_first_deploy(session: Session, recent: Window) -> None:
    """No balancer, no sources, no rows."""
    from tests.fakes.environments import two_models

    absent = two_models("absent")
    assert AwsBalancer(session, absent).sources() == {}
    assert summary(session, absent, recent).rows == ()


def line(number: int) -> Line:
    """An expression over two metrics of its own."""
    terms = tuple(
        Term(id=id_, namespace="llmctl", name=f"{id_}{number}", dimensions=(), statistic="Sum")
        for id_ in ("one", "two")
    )
    return Line(label=str(number), terms=terms, expression="one+two")


def test_many_lines_take_as_few_calls_as_are_allowed(session: Session, recent: Window) -> None:
    """CloudWatch takes 500 queries a call: more lines take another, and come back in their order."""
    lines = [line(number) for number in range(400)]
    batches = batched(lines, 60)
    sizes = [len(batch.all()) for batch in batches]
    assert len(batches) == 3
    assert max(sizes) <= MAX_QUERIES
    session.cloudwatch.put_metric_data(
        Namespace="llmctl",
        MetricData=[
            {"MetricName": name, "Timestamp": recent.since, "Value": value}
            for name, value in (("one399", 1.0), ("two399", 2.0), ("one7", 5.0), ("two7", 5.0))
        ],
    )
    found = CloudWatchReader(session, "test").series(lines, since=recent.since, until=recent.until, period=60)
    assert [series.line.label for series in found] == [str(number) for number in range(400)]
    assert {series.line.label: series.points[0].value for series in found if series.points} == {
        "7": 10.0,
        "399": 3.0,
    }


def test_a_minute_that_goes_on_is_not_told(session: Session) -> None:
    """Metrics of AWS's own come by the minute: one that has just begun would look like a drop in traffic."""
    since = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=2)
    until = since + timedelta(seconds=70)
    for second, name in ((10, "Whole"), (65, "Begun")):
        at = since.timestamp() + second
        cloudwatch.record(ACCOUNT, "us-east-1", "AWS/Test", name, {}, [(1.0, 1)], at)
        cloudwatch.record(ACCOUNT, "us-east-1", "llmctl", name, {}, [(1.0, 1)], at)
    lines = [
        Line(
            label=f"{namespace} {name}",
            terms=(Term(id="m", namespace=namespace, name=name, dimensions=(), statistic="Sum"),),
        )
        for namespace in ("AWS/Test", "llmctl")
        for name in ("Whole", "Begun")
    ]
    found = CloudWatchReader(session, "test").series(lines, since=since, until=until, period=10)
    assert [series.line.label for series in found if series.points] == [
        "AWS/Test Whole",
        "llmctl Whole",
        "llmctl Begun",
    ]


def test_a_summary_is_quick(session: Session, environment: Environment, recent: Window) -> None:
    """Two questions to CloudWatch and a few to the rest: a terminal that refreshes each 5 s must not lag."""
    bring_up(session, environment)
    environment = observed(environment)
    summary(session, environment, recent)
    began = time.perf_counter()
    summary(session, environment, recent)
    assert time.perf_counter() - began < 1.5


def test_events_are_read_from_a_time_on(session: Session, environment: Environment) -> None:
    """The audit log by time: who, what, on what and how it ended; what is older stays out."""
    table = RuntimeTable(session, environment.environment)
    begin = datetime.now(UTC)
    table.record("Resize", "chat-blue", "done")
    middle = datetime.now(UTC)
    table.record("Apply", environment.environment, "failed: no quota")
    actions: Sequence[str] = [event.action for event in table.events(begin)]
    assert actions == ["Resize", "Apply"]
    (event,) = table.events(middle)
    assert (event.target, event.result) == (environment.environment, "failed: no quota")
    assert "@" in event.actor
    assert middle <= event.time <= datetime.now(UTC)


def test_events_of_a_table_that_is_not_there(session: Session) -> None:
    """Before the first deploy nothing has happened."""
    assert RuntimeTable(session, "absent").events(datetime.now(UTC)) == ()
