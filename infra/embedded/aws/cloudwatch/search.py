"""SEARCH of metric math: metrics by their schema, name and dimensions.

Known are the schema in braces and the terms after it: `Name="exact value"` of a dimension, of `MetricName` or
of `Namespace`, and bare words that name or dimensions contain. All terms must match; OR and NOT are refused.
"""

import re
from collections.abc import Iterable

from infra.embedded.aws.cloudwatch.store import MetricKey
from infra.embedded.aws.cloudwatch.values import MathError

_SCHEMA = re.compile(r"\s*\{([^}]*)\}")
_TERM = re.compile(r'\s*(?:([\w.:/-]+)\s*=\s*)?("[^"]*"|[^\s"=]+)')


def find(metrics: Iterable[MetricKey], text: str) -> list[MetricKey]:
    """Metrics that a search text finds, in order. Raises MathError for one that is not understood."""
    schema = _SCHEMA.match(text)
    terms = _terms(text[schema.end() :] if schema else text)
    parts = [part.strip().strip('"') for part in schema[1].split(",")] if schema else []
    return sorted(
        metric
        for metric in metrics
        if (not parts or _has_schema(metric, parts)) and all(_matches(metric, *term) for term in terms)
    )


def label(metric: MetricKey) -> str:
    """How a found metric is called: its dimensions' values and its name."""
    return " ".join([*(value for _, value in metric.dimensions), metric.name])


def _has_schema(metric: MetricKey, parts: list[str]) -> bool:
    return metric.namespace == parts[0] and {name for name, _ in metric.dimensions} == set(parts[1:])


def _terms(text: str) -> list[tuple[str | None, str]]:
    terms: list[tuple[str | None, str]] = []
    position = 0
    text = text.strip()
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None or match[2] in ("OR", "NOT") or match[2].startswith(("(", ")")):
            raise MathError(f"this SEARCH is not supported: {text!r}")
        if match[2] != "AND":
            terms.append((match[1], match[2]))
        position = match.end()
    return terms


def _matches(metric: MetricKey, name: str | None, wanted: str) -> bool:
    fields = {**dict(metric.dimensions), "MetricName": metric.name, "Namespace": metric.namespace}
    if name is None:
        part = wanted.strip('"').lower()
        return any(part in field.lower() for field in [*fields, *fields.values()])
    found = fields.get(name)
    if found is None:
        return False
    return found == wanted.strip('"') if wanted.startswith('"') else wanted.lower() in found.lower()
