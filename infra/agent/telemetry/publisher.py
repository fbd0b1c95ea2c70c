"""PutMetricData, from a thread of its own.

A publication that CloudWatch certainly didn't take joins the next one: nothing is lost, and nothing counted
twice. Where the answer never came it may have been taken, and CloudWatch adds what is said twice: such a
publication is given up, because figures that are too high would scale and judge wrongly. So is one that
CloudWatch finds invalid: it would be refused for ever.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from infra.agent.aws import aws_errors
from infra.agent.catalogue import NAMESPACE
from infra.agent.telemetry.datums import Who, datums
from infra.agent.telemetry.tally import Tally

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDatumTypeDef

_LOG = logging.getLogger("agent")
_INVALID = (
    *("InvalidParameterValue", "InvalidParameterCombination", "MissingParameter", "MissingRequiredParameter"),
    *("InvalidFormat", "ValidationError", "ValidationException", "SerializationException"),
)
_HIGH_RESOLUTION_BELOW = 60


@dataclass(frozen=True)
class _Pending:
    tally: Tally
    at: float


class Publisher:
    """Publishes what it is offered. `who` is asked at each publication: the release is learnt later."""

    def __init__(self, client: "CloudWatchClient", who: Callable[[], Who], interval_seconds: int) -> None:
        self._client = client
        self._who = who
        self._resolution = 1 if interval_seconds < _HIGH_RESOLUTION_BELOW else 60
        self._pending: _Pending | None = None
        self._busy = False
        self._changed = threading.Condition()

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name="metrics-publisher", daemon=True).start()

    def offer(self, tally: Tally, at: float) -> None:
        """To be published at once, under this time (epoch seconds). Never waits."""
        with self._changed:
            if self._pending is not None:
                self._pending.tally.add(tally)
            self._pending = _Pending(self._pending.tally if self._pending else tally, at)
            self._changed.notify_all()

    def flush(self, seconds: float) -> None:
        """Wait until all is published or refused, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending is None and not self._busy, timeout=seconds)

    def publish(self, tally: Tally, at: float) -> bool:
        """Make the call; false when the tally must be published again."""
        data = datums(tally, self._who(), datetime.fromtimestamp(int(at), UTC), resolution=self._resolution)
        try:
            self._client.put_metric_data(Namespace=NAMESPACE, MetricData=_typed(data))
        except aws_errors() as error:
            again = _certainly_not_taken(error)
            _LOG.warning("metrics", extra={"fields": {"error": str(error), "again": again}})
            return not again
        return True

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending is not None)
                taken, self._pending, self._busy = self._pending, None, True
            assert taken is not None
            done = self._safely(taken)
            with self._changed:
                self._busy = False
                self._changed.notify_all()
            if not done:
                self._keep(taken.tally)

    def _safely(self, taken: _Pending) -> bool:
        try:
            return self.publish(taken.tally, taken.at)
        except Exception:  # noqa: BLE001 - a thread's outermost frame: ending here would silence the replica
            _LOG.exception("metrics")
            return True

    def _keep(self, tally: Tally) -> None:
        """Wait for the next offer, and add this to it."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending is not None)
            assert self._pending is not None
            tally.add(self._pending.tally)
            self._pending = _Pending(tally, self._pending.at)


def _certainly_not_taken(error: Exception) -> bool:
    from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code") not in _INVALID
    return not isinstance(error, ReadTimeoutError | ConnectionClosedError)


def _typed(data: list[dict[str, object]]) -> "list[MetricDatumTypeDef]":
    return data  # type: ignore[return-value] # plain data of exactly this shape
