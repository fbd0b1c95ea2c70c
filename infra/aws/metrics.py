"""Reads metrics back from CloudWatch: lines of figures -> queries of GetMetricData -> series.

Terms that several lines share are asked for once, because every metric of every call is billed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from infra.agent import catalogue
from infra.aws.session import Session, translated
from infra.environment.model import Slot
from infra.metrics.ports import Point, Series
from infra.observability.serving import Serving
from infra.observability.types import Line, Term

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

MAX_QUERIES = 500
"""Metrics and expressions in one call."""
_STANDARD_PERIOD = 60
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
            answers = list(pool.map(lambda batch: self._ask(batch.queries(), since, until), batches))
        return tuple(
            Series(line=line, points=tuple(sorted(answer.get(id_, ()), key=lambda point: point.time)))
            for batch, answer in zip(batches, answers, strict=True)
            for line, id_ in batch.lines
        )

    @translated("listing metrics")
    def releases(self) -> Mapping[str, frozenset[Serving]]:
        """Releases that published within three hours; one that began just now may be missing still."""
        pages = self._cloudwatch.get_paginator("list_metrics").paginate(
            Namespace=catalogue.NAMESPACE,
            MetricName=catalogue.REQUESTS.name,
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
    def _ask(self, queries: "list[MetricDataQueryTypeDef]", since: datetime, until: datetime) -> Points:
        found: Points = {}
        pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=since, EndTime=until, ScanBy="TimestampAscending"
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                points = map(Point, result["Timestamps"], result["Values"])
                found.setdefault(result["Id"], []).extend(points)
        return found


@dataclass
class Batch:
    """The queries of one call."""

    lines: list[tuple[Line, str]] = field(default_factory=list)
    """Each line with the id of the query that answers it."""
    _terms: "dict[tuple[object, ...], MetricDataQueryTypeDef]" = field(default_factory=dict)
    _expressions: "list[MetricDataQueryTypeDef]" = field(default_factory=list)

    def queries(self) -> "list[MetricDataQueryTypeDef]":
        """Metrics, then the expressions over them."""
        return [*self._terms.values(), *self._expressions]

    def has_room_for(self, line: Line) -> bool:
        """Whether the line's queries fit, even if it shares none."""
        return len(self._terms) + len(self._expressions) + len(line.terms) + 1 <= MAX_QUERIES

    def add(self, line: Line, period: int) -> None:
        """Add what answers the line."""
        period = max(period, _finest(line.terms))
        ids = {term.id: self._term(term, period) for term in line.terms}
        if line.expression is None:
            (query,) = ids.values()
            query["ReturnData"] = True
            self.lines.append((line, query["Id"]))
            return
        id_ = f"e{len(self._expressions)}"
        expression = re.sub(
            r"\b[a-z]\w*\b", lambda word: ids[word[0]]["Id"] if word[0] in ids else word[0], line.expression
        )
        self._expressions.append({"Id": id_, "Expression": expression})
        self.lines.append((line, id_))

    def _term(self, term: Term, period: int) -> "MetricDataQueryTypeDef":
        key = (term.namespace, term.name, term.dimensions, term.statistic, period)
        if key not in self._terms:
            self._terms[key] = {
                "Id": f"m{len(self._terms)}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": term.namespace,
                        "MetricName": term.name,
                        "Dimensions": [{"Name": name, "Value": value} for name, value in term.dimensions],
                    },
                    "Period": period,
                    "Stat": term.statistic,
                },
                "ReturnData": False,
            }
        return self._terms[key]


def batched(lines: Iterable[Line], period: int) -> list[Batch]:
    """The lines in as many batches as calls are needed, in their order."""
    batches: list[Batch] = []
    for line in lines:
        if not batches or not batches[-1].has_room_for(line):
            batches.append(Batch())
        batches[-1].add(line, period)
    return batches


def _finest(terms: Iterable[Term]) -> int:
    return 1 if all(term.namespace == catalogue.NAMESPACE for term in terms) else _STANDARD_PERIOD
