"""The API calls about metrics: PutMetricData, GetMetricData, GetMetricStatistics, ListMetrics.

moto parses requests and writes answers in each of the service's protocols; what is in between is ours.
"""

import base64
import binascii
import itertools
import math
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterCombination, InvalidParameterValue, ValidationError
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, EmptyResult

from infra.embedded.aws import NotEmulatedError
from infra.embedded.aws.cloudwatch import queries, statistics, stores
from infra.embedded.aws.cloudwatch.alarm import moment
from infra.embedded.aws.cloudwatch.queries import BadQueryError, Buckets
from infra.embedded.aws.cloudwatch.statistics import Bucket
from infra.embedded.aws.cloudwatch.store import MetricKey, Store, Summary, key, statistic_set
from infra.embedded.aws.cloudwatch.values import TimeSeries
from infra.embedded.aws.patching import override

_MINUTE = 60
_MOST_DATUMS = 1000
_MOST_VALUES = 150
_MOST_DIMENSIONS = 30
_MOST_POINTS = 100_800
_MOST_STATISTICS = 1440
_PAGE = 500
_PAST, _FUTURE = 14 * 86_400, 2 * 3600
_RECENT = 3 * 3600
_LARGEST = 2.0**360


def install() -> None:
    """Put the calls into moto."""
    for call in (put_metric_data, get_metric_data, get_metric_statistics, list_metrics):
        override(CloudWatchResponse, call.__name__, call)


def put_metric_data(self: Any) -> EmptyResult:
    """Store datapoints. All of a request are checked before the first is stored."""
    namespace = self._get_param("Namespace") or ""
    if namespace.startswith("AWS/") or not namespace:
        raise InvalidParameterValue(f"The value {namespace} for parameter Namespace is invalid.")
    if self._get_param("EntityMetricData"):
        raise NotEmulatedError("PutMetricData with EntityMetricData")
    datums = self._get_param("MetricData", [])
    if len(datums) > _MOST_DATUMS:
        raise InvalidParameterValue(
            f"The collection MetricData must not have more than {_MOST_DATUMS} items."
        )
    now = time.time()
    checked = [_datum(datum, number, now) for number, datum in enumerate(datums, 1)]
    target = _store(self)
    for datum, (at, summary) in zip(datums, checked, strict=True):
        metric = key(namespace, datum["MetricName"], _dimensions(datum))
        target.put(metric, datum.get("Unit") or "None", at, summary)
    return EmptyResult()


def get_metric_data(self: Any) -> ActionResult:
    """Series of metrics and expressions, in pages of MaxDatapoints."""
    start, end = _epoch(self._get_param("StartTime")), _epoch(self._get_param("EndTime"))
    _check_range(start, end)
    try:
        asked = queries.parse(self._get_param("MetricDataQueries", []))
        found = queries.run(_store(self), asked, _buckets(start, end)) if asked else {}
    except BadQueryError as error:
        raise ValidationError(str(error)) from error
    results = [
        _result(query.id, query.label, series, self._get_param("ScanBy") == "TimestampAscending")
        for query in asked
        if query.returned
        for series in found[query.id] or [TimeSeries(label=query.label or query.id)]
    ]
    limit = int(self._get_param("MaxDatapoints") or _MOST_POINTS)
    page, token = _page(results, limit, _offset(self._get_param("NextToken")))
    return ActionResult({"MetricDataResults": page, "NextToken": token, "Messages": []})


def get_metric_statistics(self: Any) -> ActionResult:
    """Statistics of one metric, one row a period and unit."""
    start, end = _epoch(self._get_param("StartTime")), _epoch(self._get_param("EndTime"))
    _check_range(start, end)
    simple, extended = self._get_param("Statistics", []), self._get_param("ExtendedStatistics", [])
    if not simple and not extended:
        raise InvalidParameterCombination("Must specify either Statistics or ExtendedStatistics")
    period, name = int(self._get_param("Period")), self._get_param("MetricName")
    try:
        queries.check_period(period)
        for statistic in (*simple, *extended):
            statistics.check(statistic)
    except (BadQueryError, statistics.UnknownStatisticError) as error:
        raise InvalidParameterValue(f"The value for parameter Period or Statistics: {error}") from error
    if (end - start) / period > _MOST_STATISTICS:
        raise InvalidParameterCombination(
            f"You have requested up to {math.ceil((end - start) / period):,} datapoints, which exceeds the "
            f"limit of {_MOST_STATISTICS:,}. You may reduce the datapoints by increasing Period, or "
            "decreasing the time range."
        )
    metric = key(
        self._get_param("Namespace"), name, _dimensions({"Dimensions": self._get_param("Dimensions")})
    )
    rows = [
        _row(at, summary, series.unit, simple, extended)
        for series in _store(self).series(metric, self._get_param("Unit"))
        for at, summary in statistics.summaries([series], _buckets(start, end)(period)).items()
    ]
    return ActionResult({"Label": name, "Datapoints": rows})


def list_metrics(self: Any) -> ActionResult:
    """Metrics that have a datapoint, in pages of 500."""
    store = _store(self)
    wanted = [(one["Name"], one.get("Value")) for one in self._get_param("Dimensions", [])]
    oldest = time.time() - _RECENT if self._get_param("RecentlyActive") else -math.inf
    found = [
        metric
        for metric in store.metrics()
        if self._get_param("Namespace") in (None, metric.namespace)
        and self._get_param("MetricName") in (None, metric.name)
        and all(_has(metric, name, value) for name, value in wanted)
        and store.latest(metric) >= oldest
    ]
    first = _offset(self._get_param("NextToken"))
    more = _token(first + _PAGE) if len(found) > first + _PAGE else None
    return ActionResult(
        {"Metrics": [_metric(one) for one in found[first : first + _PAGE]], "NextToken": more}
    )


def _store(self: Any) -> Store:
    return stores.store(self.current_account, self.region)


def _dimensions(datum: Mapping[str, Any]) -> dict[str, str]:
    return {one["Name"]: one["Value"] for one in datum.get("Dimensions") or ()}


def _has(metric: MetricKey, name: str, value: str | None) -> bool:
    found = dict(metric.dimensions)
    return name in found and value in (None, found[name])


def _metric(metric: MetricKey) -> dict[str, Any]:
    return {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
    }


def _datum(datum: Mapping[str, Any], number: int, now: float) -> tuple[float, Summary]:
    """When a datum is from, and its samples. Raises InvalidParameterValue."""
    where = f"MetricData.member.{number}"
    dimensions = datum.get("Dimensions") or ()
    if len(dimensions) > _MOST_DIMENSIONS or not all(one.get("Value") for one in dimensions):
        raise InvalidParameterValue(
            f"The parameter {where}.Dimensions must have at most {_MOST_DIMENSIONS} dimensions, "
            "each with a value."
        )
    if datum.get("StorageResolution") not in (None, 1, _MINUTE):
        raise InvalidParameterValue(f"The parameter {where}.StorageResolution must be 1 or 60.")
    at = _epoch(datum["Timestamp"]) if datum.get("Timestamp") else now
    if not now - _PAST <= at <= now + _FUTURE:
        raise InvalidParameterValue(
            f"The parameter {where}.Timestamp must specify a time no more than two weeks in the past and "
            "no more than two hours in the future."
        )
    return at, _samples(datum, where)


def _samples(datum: Mapping[str, Any], where: str) -> Summary:
    given = [name for name in ("Value", "Values", "StatisticValues") if datum.get(name) is not None]
    if len(given) != 1:
        raise InvalidParameterCombination(
            f"The parameters {where}.Value, {where}.Values and {where}.StatisticValues are mutually "
            "exclusive, and one must be specified."
        )
    if given[0] == "StatisticValues":
        names = ("SampleCount", "Sum", "Minimum", "Maximum")
        return statistic_set(*(_number(datum["StatisticValues"][name], where) for name in names))
    values = [datum["Value"]] if given[0] == "Value" else datum["Values"]
    counts = datum.get("Counts") or [1.0] * len(values)
    if len(values) != len(counts) or not 1 <= len(values) <= _MOST_VALUES:
        raise InvalidParameterValue(
            f"The parameters {where}.Values and {where}.Counts must be of the same size, "
            f"at most {_MOST_VALUES}."
        )
    summary = Summary()
    for value, count in zip(values, counts, strict=True):
        summary.add(_number(value, where), _number(count, where))
    return summary


def _number(value: Any, where: str) -> float:
    if not abs(float(value)) <= _LARGEST:
        raise InvalidParameterValue(f"The value {value} for parameter {where}.Value is invalid.")
    return float(value)


def _epoch(moment_: datetime) -> float:
    return moment_.replace(tzinfo=moment_.tzinfo or UTC).timestamp()


def _check_range(start: float, end: float) -> None:
    if start >= end:
        raise ValidationError("The parameter StartTime must be less than the parameter EndTime.")


def _buckets(start: float, end: float) -> Buckets:
    """Periods from StartTime on, which is rounded down to a minute, or to a shorter period."""

    def buckets(period: int) -> list[Bucket]:
        first = start // min(period, _MINUTE) * min(period, _MINUTE)
        number = max(0, math.ceil((end - first) / period))
        starts = (first + index * period for index in range(number))
        return [(at, at, min(at + period, math.ceil(end))) for at in starts]

    return buckets


def _result(id_: str, label: str | None, series: TimeSeries, ascending: bool) -> dict[str, Any]:
    points = sorted(series.points.items(), reverse=not ascending)
    return {
        "Id": id_,
        "Label": label or series.label or id_,
        "Timestamps": [moment(at) for at, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": "Complete",
    }


def _page(
    results: Sequence[dict[str, Any]], limit: int, first: int
) -> tuple[list[dict[str, Any]], str | None]:
    """The results that have datapoints `first` to `first + limit`, counted over all of them."""
    ends = list(itertools.accumulate((len(result["Values"]) for result in results), initial=0))
    if first == 0 and ends[-1] <= limit:
        return list(results), None
    page = []
    for result, begin, end in zip(results, ends, ends[1:], strict=False):
        low, high = max(first, begin) - begin, min(first + limit, end) - begin
        if low < high:
            part = {name: result[name][low:high] for name in ("Timestamps", "Values")}
            done = "Complete" if high == end - begin else "PartialData"
            page.append({**result, **part, "StatusCode": done})
    return page, _token(first + limit) if ends[-1] > first + limit else None


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode()


def _offset(token: str | None) -> int:
    try:
        return int(base64.urlsafe_b64decode(token)) if token else 0
    except (ValueError, binascii.Error):
        raise InvalidParameterValue("Request parameter NextToken is invalid") from None


def _row(
    at: float, summary: Summary, unit: str, simple: Sequence[str], extended: Sequence[str]
) -> dict[str, Any]:
    row: dict[str, Any] = {"Timestamp": moment(at), "Unit": unit}
    row |= {name: statistics.value(summary, name) for name in simple}
    if extended:
        shown = {name: statistics.value(summary, name) for name in extended}
        row["ExtendedStatistics"] = {name: value for name, value in shown.items() if value is not None}
    return row
