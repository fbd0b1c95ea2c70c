"""PutMetricData, from a thread of its own.

A publication that CloudWatch certainly didn't take joins the next one: nothing is lost, and nothing counted
twice. Where the answer never came it may have been taken, and CloudWatch adds what is said twice: such a
publication is given up, because figures that are too high would scale and judge wrongly. So is one that
CloudWatch finds invalid: it would be refused for ever.
"""

import logging
import threading
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


class Publisher:
    """Publishes what it is offered, in the name that it was offered in, however late that is."""

    def __init__(self, client: "CloudWatchClient", interval_seconds: int) -> None:
        self._client = client
        self._resolution = 1 if interval_seconds < _HIGH_RESOLUTION_BELOW else 60
        self._pending: dict[Who, Tally] = {}
        self._at = 0.0
        self._busy = False
        self._changed = threading.Condition()

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name="metrics-publisher", daemon=True).start()

    def offer(self, tally: Tally, who: Who, at: float) -> None:
        """To be published at once, under this time (epoch seconds). Never waits."""
        with self._changed:
            self._pending.setdefault(who, Tally()).add(tally)
            self._at = at
            self._changed.notify_all()

    def flush(self, seconds: float) -> None:
        """Wait until all is published or refused, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: not self._pending and not self._busy, timeout=seconds)

    def publish(self, tally: Tally, who: Who, at: float) -> bool:
        """Make the call; false when the tally must be published again."""
        data = datums(tally, who, datetime.fromtimestamp(int(at), UTC), resolution=self._resolution)
        try:
            self._client.put_metric_data(Namespace=NAMESPACE, MetricData=_typed(data))
        except aws_errors() as error:
            again = _certainly_not_taken(error)
            _LOG.warning("metrics", extra={"fields": {"error": str(error), "again": again}})
            return not again
        return True

    def _run(self) -> None:
        kept: dict[Who, Tally] = {}
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._pending))
                for who, tally in kept.items():
                    self._pending.setdefault(who, Tally()).add(tally)
                taken, at = self._pending, self._at
                self._pending, self._busy = {}, True
            kept = {who: tally for who, tally in taken.items() if not self._safely(tally, who, at)}
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _safely(self, tally: Tally, who: Who, at: float) -> bool:
        try:
            return self.publish(tally, who, at)
        except Exception:  # noqa: BLE001 - a thread's outermost frame: ending here would silence the replica
            _LOG.exception("metrics")
            return True


def _certainly_not_taken(error: Exception) -> bool:
    from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code") not in _INVALID
    return not isinstance(error, ReadTimeoutError | ConnectionClosedError)


def _typed(data: list[dict[str, object]]) -> "list[MetricDatumTypeDef]":
    return data  # type: ignore[return-value] # plain data of exactly this shape
