"""Reads metrics back from CloudWatch: lines of figures -> queries of GetMetricData -> series."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from infra.agent import catalogue
from infra.aws.session import Session, translated
from infra.environment.slots import Slot
from infra.metrics.ports import Point, Series
from infra.observability.queries import Queries, Query
from infra.observability.serving import Serving
from infra.observability.types import Line

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

MAX_QUERIES = 500
"""Metrics and expressions in one call."""
_PARALLEL_CALLS = 4

Points = dict[str, list[Point]]


class CloudWatchReader:
    """Implements `infra.metrics.ports.Reader`."""

    def __init__(self, session: Session, environment: str) -> None:
        self._cloudwatch = session.cloudwatch
        self._environment = environment

    def series(
        self, lines: Sequence[Line], *, since: datetime, until: datetime, period: int
    ) -> tuple[Series, ...]:
        """One series for each line, in their order, from as few calls as CloudWatch allows.

        Metrics of AWS's own services have no periods below a minute: theirs are a minute then.
        """
        batches = batched(lines, period)
        with ThreadPoolExecutor(max_workers=_PARALLEL_CALLS) as pool:
            answers = list(pool.map(lambda batch: self._ask(batch, since, until), batches))
        return tuple(
            Series(line=line, points=_whole(answer.get(query.id, ()), query.period, until))
            for batch, answer in zip(batches, answers, strict=True)
            for line, query in batch.answers()
        )

    @translated("listing metrics")
    def releases(self) -> Mapping[str, frozenset[Serving]]:
        """Releases that published within three hours; one that began just now may be missing still."""
        pages = self._cloudwatch.get_paginator("list_metrics").paginate(
            Namespace=catalogue.NAMESPACE,
            MetricName=catalogue.IN_FLIGHT.name,  # which every engine with metrics tells
            Dimensions=[{"Name": "environment", "Value": self._environment}, {"Name": "release"}],
            RecentlyActive="PT3H",
        )
        found: dict[str, set[Serving]] = {}
        for page in pages:
            for metric in page["Metrics"]:
                values = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
                if set(values) == set(catalogue.Level.RELEASE.value):
                    serving = Serving(Slot(values["slot"]), int(values["release"]))
                    found.setdefault(values["model"], set()).add(serving)
        return {model: frozenset(servings) for model, servings in found.items()}

    @translated("reading metrics")
    def _ask(self, batch: Queries, since: datetime, until: datetime) -> Points:
        found: Points = {}
        pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[_query(query) for query in batch.all()],
            StartTime=since,
            EndTime=until,
            ScanBy="TimestampAscending",
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                points = map(Point, result["Timestamps"], result["Values"])
                found.setdefault(result["Id"], []).extend(points)
        return found


def batched(lines: Iterable[Line], period: int) -> list[Queries]:
    """The lines in as many batches as calls are needed, in their order."""
    batches: list[Queries] = []
    for line in lines:
        if not batches or batches[-1].most_with(line) > MAX_QUERIES:
            batches.append(Queries(period))
        batches[-1].add(line)
    return batches


def _whole(points: Iterable[Point], period: int, until: datetime) -> tuple[Point, ...]:
    """Points in order, without a last one whose period goes on: its counts would look like a drop."""
    latest = until - timedelta(seconds=period)
    return tuple(sorted((each for each in points if each.time <= latest), key=lambda point: point.time))


def _query(query: Query) -> "MetricDataQueryTypeDef":
    if query.term is None:
        return {
            "Id": query.id,
            "Expression": query.expression or "",
            "Period": query.period,
            "ReturnData": True,
        }
    return {
        "Id": query.id,
        "MetricStat": {
            "Metric": {
                "Namespace": query.term.namespace,
                "MetricName": query.term.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in query.term.dimensions],
            },
            "Period": query.period,
            "Stat": query.term.statistic,
        },
        "ReturnData": query.shown,
    }
