"""Metric data queries: the metrics and expressions of GetMetricData, and of alarms on metric math.

A query is what the API calls MetricDataQuery. Where its buckets lie is the caller's: clients ask in real
time, alarms in emulated time.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from infra.embedded.aws.cloudwatch import expressions, search, statistics
from infra.embedded.aws.cloudwatch.statistics import Bucket
from infra.embedded.aws.cloudwatch.store import MetricKey, Store, key
from infra.embedded.aws.cloudwatch.values import Array, MathError, TimeSeries, Value, array

_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
_SHORT_PERIODS = (1, 5, 10, 20, 30)

Buckets = Callable[[int], Sequence[Bucket]]
"""The buckets of a period in seconds, oldest first."""


class BadQueryError(ValueError):
    """A query that AWS refuses; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Stat:
    """A statistic of a metric."""

    metric: MetricKey
    period: int
    statistic: str
    unit: str | None = None


@dataclass(frozen=True, kw_only=True)
class Query:
    """A metric or an expression; exactly one of `stat` and `expression` is set."""

    id: str
    stat: Stat | None = None
    expression: str | None = None
    label: str | None = None
    period: int | None = None
    returned: bool = True


def parse(queries: Iterable[Mapping[str, object]]) -> tuple[Query, ...]:
    """Queries as the API brings them. Raises BadQueryError."""
    parsed = tuple(_query(one) for one in queries)
    ids = [query.id for query in parsed]
    if len(set(ids)) != len(ids):
        raise BadQueryError("The values for parameter id in MetricDataQueries are not unique.")
    for query in parsed:
        _check(query, set(ids))
    _order(parsed)
    return parsed


def check_period(period: int) -> None:
    """Raise BadQueryError for a period that CloudWatch does not have."""
    if period not in _SHORT_PERIODS and (period < 60 or period % 60):
        raise BadQueryError(f"Period {period} must be 1, 5, 10, 20, 30 or a multiple of 60")


def period_of(queries: Sequence[Query]) -> int:
    """Seconds of the queries' datapoints: the longest of their periods."""
    periods = [query.stat.period for query in queries if query.stat]
    return max(periods or [query.period or 60 for query in queries])


def _query(query: Mapping[str, object]) -> Query:
    id_ = str(query.get("Id", ""))
    if not _ID.fullmatch(id_):
        raise BadQueryError(f"The id {id_!r} must begin with a lower-case letter, with letters, digits and _")
    stat, expression = query.get("MetricStat"), query.get("Expression")
    if bool(stat) == bool(expression):
        raise BadQueryError(f"The query {id_} must have either MetricStat or Expression")
    return Query(
        id=id_,
        stat=_stat(stat) if isinstance(stat, Mapping) else None,
        expression=str(expression) if expression else None,
        label=str(query["Label"]) if query.get("Label") else None,
        period=int(str(query["Period"])) if query.get("Period") else None,
        returned=str(query.get("ReturnData", True)).lower() != "false",
    )


def _stat(stat: Mapping[str, object]) -> Stat:
    metric = stat["Metric"]
    if not isinstance(metric, Mapping):
        raise BadQueryError("Metric must be a structure")
    dimensions = {one["Name"]: one["Value"] for one in metric.get("Dimensions") or ()}
    return Stat(
        metric=key(metric.get("Namespace", ""), metric.get("MetricName", ""), dimensions),
        period=int(str(stat["Period"])),
        statistic=str(stat["Stat"]),
        unit=str(stat["Unit"]) if stat.get("Unit") else None,
    )


def _check(query: Query, ids: set[str]) -> None:
    try:
        if query.stat:
            check_period(query.stat.period)
            statistics.check(query.stat.statistic)
        else:
            missing = expressions.names(query.expression or "") - ids
            if missing:
                raise MathError(f"The expression {query.id} uses unknown ids: {', '.join(sorted(missing))}")
    except statistics.UnknownStatisticError as error:
        raise BadQueryError(f"The statistic {error} is not supported") from error
    except MathError as error:
        raise BadQueryError(f"Error in expression '{query.id}': {error}") from error


def _order(queries: Sequence[Query]) -> list[Query]:
    """Queries in an order in which each comes after what it uses. Raises BadQueryError for a circle."""
    ordered: list[Query] = []
    waiting = list(queries)
    while waiting:
        done = {query.id for query in ordered}
        ready = [q for q in waiting if not q.expression or expressions.names(q.expression) <= done]
        if not ready:
            raise BadQueryError(f"The expressions refer to each other: {', '.join(q.id for q in waiting)}")
        ordered += ready
        waiting = [query for query in waiting if query not in ready]
    return ordered


def run(store: Store, queries: Sequence[Query], buckets: Buckets) -> dict[str, Array]:
    """Series of each query by its id. Raises BadQueryError for an expression without a series."""
    results: dict[str, Value] = {}
    metrics: dict[str, TimeSeries] = {}
    longest = period_of(queries)
    for query in _order(queries):
        if query.stat:
            results[query.id] = metrics[query.id] = _series(store, query.stat, buckets, query.label)
        else:
            period = query.period or longest
            results[query.id] = _evaluate(store, query, results, metrics, buckets, period)
    return {query.id: _returned(query, results[query.id]) for query in queries}


def _returned(query: Query, value: Value) -> Array:
    if query.returned and not isinstance(value, TimeSeries | list):
        raise BadQueryError(
            f"Error in expression '{query.id}': the result must be a time series, not a number"
        )
    return array(value) if isinstance(value, TimeSeries | list) else []


def _series(store: Store, stat: Stat, buckets: Buckets, label: str | None) -> TimeSeries:
    found = statistics.summaries(store.series(stat.metric, stat.unit), buckets(stat.period))
    values = {at: statistics.value(summary, stat.statistic) for at, summary in found.items()}
    points = {at: value for at, value in values.items() if value is not None}
    return TimeSeries(points, stat.period, label or stat.metric.name)


def _evaluate(
    store: Store,
    query: Query,
    results: Mapping[str, Value],
    metrics: Mapping[str, TimeSeries],
    buckets: Buckets,
    period: int,
) -> Value:
    def find(text: str, statistic: str, own_period: int | None) -> Array:
        statistics.check(statistic)
        keys = search.find(store.metrics(), text)
        stats = [Stat(metric=one, period=own_period or period, statistic=statistic) for one in keys]
        return [_series(store, stat, buckets, search.label(stat.metric)) for stat in stats]

    grid = [label for label, _, _ in buckets(period)]
    try:
        return expressions.evaluate(query.expression or "", results, metrics, grid, find)
    except (MathError, statistics.UnknownStatisticError) as error:
        raise BadQueryError(f"Error in expression '{query.id}': {error}") from error
