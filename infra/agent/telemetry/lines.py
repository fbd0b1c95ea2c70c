"""The replica's own metrics, as one line a minute in the log: embedded metric format.

CloudWatch Logs makes metrics of the line, which costs its ingestion and the metrics, but no call. Without the
`_aws` part the same line makes no metric and stays there for queries.
"""

import json
from collections.abc import Mapping
from typing import Any

from infra.agent.catalogue import METRICS, NAMESPACE, Level
from infra.agent.telemetry.datums import Who, published
from infra.agent.telemetry.tally import Tally

_LONGEST = 100
"""Values that embedded metric format takes of one metric."""


def line(tally: Tally, who: Who, context: Mapping[str, str], *, epoch: float, metrics: bool) -> str:
    """One JSON line of what happened on the replica; `context` is searchable, but no dimension."""
    found: dict[str, Any] = {}
    for name, metric in METRICS.items():
        if Level.REPLICA not in metric.levels:
            continue
        seen = [value for value, times in published(tally, metric).items() for _ in range(round(times))]
        if seen:
            found[name] = seen[0] if len(seen) == 1 else _thinned(seen)
    text: dict[str, Any] = {"message": "metrics", **context, **vars(who), **found}
    if metrics and found:
        text["_aws"] = {
            "Timestamp": int(epoch * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [list(Level.REPLICA.value)],
                    "Metrics": [{"Name": name, "Unit": METRICS[name].unit} for name in found],
                }
            ],
        }
    return json.dumps(text, separators=(",", ":"))


def _thinned(seen: list[float]) -> list[float]:
    step = -(-len(seen) // _LONGEST)
    return sorted(seen)[::step]
