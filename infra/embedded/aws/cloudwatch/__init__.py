"""CloudWatch: metrics, metric math and alarms that act; in the place of moto's, which only records.

Services of this cloud write metrics with `record` and take alarms' actions with `on_action`; the daemon
calls `evaluate` in its loop. Alarms live in emulated time (`pace`), datapoints and what clients read in real
time. All of it runs under the package's lock.
"""

from collections.abc import Mapping, Sequence

from infra.embedded.aws.cloudwatch import stores
from infra.embedded.aws.cloudwatch.actions import Act, State, Transition, on_action
from infra.embedded.aws.cloudwatch.store import Summary, key

__all__ = ["Act", "State", "Transition", "evaluate", "install", "on_action", "record", "reset"]


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
    if summary.count:
        stores.store(account, region).put(key(namespace, name, dimensions), unit, at, summary)


def evaluate(now: float) -> None:
    """Let the alarms that are due look at their metrics; `now` is real epoch seconds."""
    from moto.cloudwatch.models import cloudwatch_backends

    from infra.embedded import aws
    from infra.embedded.aws.cloudwatch import evaluation

    with aws.lock:
        for regions in list(cloudwatch_backends.values()):
            for backend in list(regions.values()):
                metrics = stores.store(backend.account_id, backend.region_name)
                evaluation.evaluate(backend.alarms.values(), metrics, now)
        for metrics in stores.everything():
            metrics.compact(now)


def install() -> None:
    """Put metrics and alarms into moto."""
    from infra.embedded.aws.cloudwatch import alarms_api, metrics_api

    metrics_api.install()
    alarms_api.install()


def reset() -> None:
    """Forget all metrics, as new: for tests. Alarms go with moto's state."""
    stores.clear()
