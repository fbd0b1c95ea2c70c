"""CloudWatch: metrics, metric math and alarms that act; in the place of moto's, which only records.

Services of this cloud write metrics with `record` and take alarms' actions with `on_action`; the daemon
calls `evaluate` in its loop. Alarms live in emulated time (`pace`), datapoints and what clients read in real
time. All of it runs under the package's lock.
"""

from collections.abc import Mapping, Sequence

from infra.embedded.aws.cloudwatch.actions import Act, State, Transition, on_action
from infra.embedded.aws.cloudwatch.store import Store, Summary, key

__all__ = ["Act", "State", "Transition", "evaluate", "install", "on_action", "record", "reset", "store"]

_stores: dict[tuple[str, str], Store] = {}


def store(account: str, region: str) -> Store:
    """The metrics of an account in a region."""
    return _stores.setdefault((account, region), Store())


def record(
    account: str,
    region: str,
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    values: Sequence[tuple[float, float]],
    at: float,
    unit: str = "None",
) -> None:
    """Add a datapoint: pairs of a value and how often it was seen, at real epoch seconds."""
    summary = Summary()
    for value, count in values:
        summary.add(value, count)
    if values:
        store(account, region).put(key(namespace, name, dimensions), unit, at, summary)


def evaluate(now: float) -> None:
    """Let the alarms that are due look at their metrics; `now` is real epoch seconds."""
    for metrics in _stores.values():
        metrics.compact(now)


def install() -> None:
    """Put metrics and alarms into moto."""


def reset() -> None:
    """Forget all metrics, as new: for tests. Alarms go with moto's state."""
    _stores.clear()
