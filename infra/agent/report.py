"""What operators see of a replica: its phase in the runtime table, and events.

Told from a thread of its own: a table that doesn't answer delays the telling, never the replica. Only the
newest phase matters and is written again as a heartbeat; events are kept in order and tried again, and the
oldest are given up when too many wait.
"""

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from infra.agent.aws import aws_errors
from infra.agent.machine import Phase

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LOG = logging.getLogger("agent")
_HEARTBEAT = 60.0
_RETRY = 5.0
_EXPIRES_AFTER = 180
_MAX_EVENTS = 1000

Item = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class _Status:
    phase: Phase
    detail: str
    since: str


class TableReporter:
    """Implements `ports.Reporter`. `wall` is epoch seconds."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        *,
        table: str,
        model: str,
        instance_id: str,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._model = model
        self._instance_id = instance_id
        self._wall = wall
        self._status: _Status | None = None
        self._told: _Status | None = None
        self._events: deque[Item] = deque(maxlen=_MAX_EVENTS)
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def phase(self, phase: Phase, detail: str) -> None:
        """The replica's phase, or its detail, has changed."""
        with self._changed:
            same = self._status is not None and self._status.phase is phase
            since = self._status.since if same and self._status else _iso(self._wall())
            self._status = _Status(phase, detail, since)
            self._changed.notify_all()

    def event(self, action: str, result: str) -> None:
        """Append to the audit log."""
        item = {
            "pk": {"S": "event"},
            "sk": {"S": f"{_iso(self._wall())}#{secrets.token_hex(4)}"},
            "actor": {"S": f"agent@{self._instance_id}"},
            "action": {"S": action},
            "target": {"S": self._model},
            "result": {"S": result},
        }
        with self._changed:
            self._events.append(item)
            self._changed.notify_all()

    def flush(self, seconds: float) -> None:
        """Wait until all is told, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: not self._pending(), timeout=seconds)

    def tell(self) -> bool:
        """Write what is new and, if there is a phase, refresh it; false when the table didn't take it."""
        with self._changed:
            status, events = self._status, list(self._events)
        try:
            if status is not None:
                self._dynamodb.put_item(TableName=self._table, Item=self._item(status))
            for item in events:
                self._dynamodb.put_item(TableName=self._table, Item=item)
                self._drop(item)
        except aws_errors() as error:
            _LOG.warning("runtime table", extra={"fields": {"error": str(error)}})
            return False
        with self._changed:
            self._told = status
            self._changed.notify_all()
        return True

    def _run(self) -> None:
        while True:
            pause = _HEARTBEAT if self.tell() else _RETRY
            with self._changed:
                if pause == _RETRY:
                    self._changed.wait_for(lambda: False, timeout=pause)
                else:
                    self._changed.wait_for(self._pending, timeout=pause)

    def _pending(self) -> bool:
        return bool(self._events) or self._status != self._told

    def _drop(self, item: Item) -> None:
        with self._changed:
            if self._events and self._events[0] is item:
                self._events.popleft()

    def _item(self, status: _Status) -> Item:
        return {
            "pk": {"S": "replica"},
            "sk": {"S": f"{self._model}#{self._instance_id}"},
            "phase": {"S": status.phase.value},
            "detail": {"S": status.detail},
            "since": {"S": status.since},
            "expires": {"N": str(int(self._wall()) + _EXPIRES_AFTER)},
        }


def _iso(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="microseconds")
