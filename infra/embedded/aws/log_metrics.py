"""Log events become metrics: by the embedded metric format, and by metric filters.

The format is that of "Specification: Embedded metric format": a JSON event says under `_aws` which of its own
fields are metrics and dimensions. An event that does not follow it stays a log event, as on AWS.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.embedded.aws import cloudwatch
from infra.embedded.aws.log_patterns import Event, compiled, field

_EMBEDDED = '"_aws"'

Json = Mapping[str, Any]

_Datapoint = tuple[str, str, dict[str, str], list[tuple[float, float]], str]
"""Namespace, name, dimensions, values with their counts, unit."""


def ingest(account: str, region: str, filters: Sequence[Json], events: Sequence[Json]) -> None:
    """Record the metrics in log events as the API brings them (`message`, `timestamp` in milliseconds)."""
    for event in events:
        message = event["message"]
        if _EMBEDDED in message:
            _embedded(account, region, message, event["timestamp"] / 1000)
    parsed = [(Event(event["message"]), event["timestamp"] / 1000) for event in events] if filters else []
    for one in filters:
        for transformation in one["metricTransformations"]:
            _filtered(account, region, one["filterPattern"], transformation, parsed)


def _embedded(account: str, region: str, message: str, at: float) -> None:
    document = Event(message).document
    about = document.get("_aws") if isinstance(document, dict) else None
    if not isinstance(about, dict):
        return
    stamp = about.get("Timestamp")
    moment = stamp / 1000 if isinstance(stamp, int | float) else at
    try:
        found = list(_datapoints(document, about))
    except (AttributeError, TypeError, ValueError):
        return  # whoever wrote it: it doesn't follow the format
    for namespace, name, dimensions, values, unit in found:
        cloudwatch.record(account, region, namespace, name, dimensions, values, moment, unit)


def _datapoints(document: Json, about: Json) -> Iterator[_Datapoint]:
    for directive in about.get("CloudWatchMetrics") or ():
        for name, unit, values in _metrics(document, directive):
            for dimensions in _dimension_sets(document, directive):
                yield str(directive.get("Namespace")), name, dimensions, values, unit


def _metrics(document: Json, directive: Json) -> Iterator[tuple[str, str, list[tuple[float, float]]]]:
    for metric in directive.get("Metrics") or ():
        name = metric.get("Name")
        values = _values(document.get(name))
        if values:
            yield name, metric.get("Unit") or "None", values


def _values(found: Any) -> list[tuple[float, float]]:
    """A number, an array of numbers, or values with counts: pairs of value and count."""
    if isinstance(found, dict) and isinstance(found.get("Values"), list):
        values = found["Values"]
        counts = found.get("Counts") or [1] * len(values)
        return [(float(value), float(count)) for value, count in zip(values, counts, strict=False)]
    several = found if isinstance(found, list) else [found]
    if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in several):
        return []
    return [(float(one), 1.0) for one in several]


def _dimension_sets(document: Json, directive: Json) -> list[dict[str, str]]:
    """Each set names fields of the document; none at all is a metric without dimensions."""
    sets = directive.get("Dimensions") or [[]]
    return [
        {name: str(document[name]) for name in names}
        for names in sets
        if all(name in document for name in names)
    ]


def _filtered(
    account: str, region: str, pattern: str, transformation: Json, events: Sequence[tuple[Event, float]]
) -> None:
    matches = compiled(pattern)
    for event, at in events:
        value = _transformed(event, transformation) if matches(event) else transformation.get("defaultValue")
        if value is None:
            continue
        cloudwatch.record(
            account,
            region,
            transformation["metricNamespace"],
            transformation["metricName"],
            _dimensions(event, transformation) if matches(event) else {},
            [(float(value), 1.0)],
            at,
            transformation.get("unit") or "None",
        )


def _transformed(event: Event, transformation: Json) -> float | None:
    """The value of a filter's metric: a number, or a field of the event."""
    value: Any = transformation["metricValue"]
    if value.startswith("$."):
        value = field(event.document, value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _dimensions(event: Event, transformation: Json) -> dict[str, str]:
    found = {
        name: field(event.document, selector)
        for name, selector in (transformation.get("dimensions") or {}).items()
    }
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in found.items()
        if value is not None
    }
