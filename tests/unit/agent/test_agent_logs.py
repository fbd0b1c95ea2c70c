"""Log shipping: limits of PutLogEvents, bounded memory, nothing lost silently."""

import json
import logging
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from infra.agent.logs import EVENT_OVERHEAD, MAX_BYTES, MAX_EVENT_BYTES, MAX_EVENTS, Buffer, Shipper, Tee


class AlreadyExists(Exception):  # noqa: N818 - as boto3 has it
    """The stream is there."""


class FakeLogs:
    """CloudWatch Logs that may be down."""

    exceptions = SimpleNamespace(ResourceAlreadyExistsException=AlreadyExists)

    def __init__(self) -> None:
        self.down = False
        self.created: list[str] = []
        self.batches: list[list[dict[str, Any]]] = []

    def create_log_stream(self, **request: str) -> None:
        """As boto3."""
        if self.down:
            raise EndpointConnectionError(endpoint_url="http://logs")
        self.created.append(request["logStreamName"])
        raise AlreadyExists

    def put_log_events(self, **request: Any) -> None:
        """As boto3."""
        if self.down:
            raise EndpointConnectionError(endpoint_url="http://logs")
        self.batches.append(request["logEvents"])

    @property
    def messages(self) -> list[str]:
        """All lines in the order of their arrival."""
        return [event["message"] for batch in self.batches for event in batch]


def shipper(logs: FakeLogs, buffer: Buffer) -> Shipper:
    """Ships one stream."""
    return Shipper(logs, "group", {"i-1/engine": buffer})  # type: ignore[arg-type]


def test_batches_keep_to_the_limits() -> None:
    """PutLogEvents refuses a batch that is too long or too big as a whole."""
    buffer, logs = Buffer(), FakeLogs()
    for index in range(MAX_EVENTS + 5):
        buffer.add(index, "x")
    for _ in range(5):
        buffer.add(MAX_EVENTS + 5, "y" * 300_000)
    shipper(logs, buffer).ship()
    for batch in logs.batches:
        assert len(batch) <= MAX_EVENTS
        assert sum(len(event["message"].encode()) + EVENT_OVERHEAD for event in batch) <= MAX_BYTES
        assert all(len(event["message"].encode()) <= MAX_EVENT_BYTES for event in batch)
    assert len(logs.messages) == MAX_EVENTS + 10


def test_batch_spans_less_than_a_day() -> None:
    """Lines more than 24 hours apart in one call are refused."""
    buffer = Buffer()
    buffer.add(0, "old")
    buffer.add(24 * 3600 * 1000 + 1, "new")
    assert [line.text for line in buffer.batch()] == ["old"]


def test_lines_survive_an_outage_and_keep_their_order() -> None:
    """A CloudWatch that doesn't answer delays lines and loses none that fit."""
    buffer, logs = Buffer(), FakeLogs()
    ship = shipper(logs, buffer)
    logs.down = True
    for index in range(3):
        buffer.add(index, f"line {index}")
        assert not ship.ship()
    logs.down = False
    assert ship.ship()
    assert logs.messages == ["line 0", "line 1", "line 2"]
    assert logs.created == ["i-1/engine"]


def test_memory_is_bounded_and_losses_are_counted() -> None:
    """An outage may not eat the instance's memory, and what it cost is said."""
    buffer, logs = Buffer(limit=1000), FakeLogs()
    for index in range(100):
        buffer.add(index, "x" * 74)
    shipper(logs, buffer).ship()
    assert len(logs.messages) == 10
    assert json.loads(logs.messages[-1]) == {"message": "lines dropped", "count": 90}


def test_out_of_order_lines_are_sorted() -> None:
    """Two threads that write at once must not make a batch that is refused."""
    buffer, logs = Buffer(), FakeLogs()
    buffer.add(2, "second")
    buffer.add(1, "first")
    shipper(logs, buffer).ship()
    assert logs.messages == ["first", "second"]


def test_agent_lines_are_json() -> None:
    """Log queries find fields, not prose."""
    output, buffer = StringIO(), Buffer()
    logger = logging.Logger("test")
    logger.addHandler(Tee(buffer, output))
    logger.warning("phase %s", "failed", extra={"fields": {"detail": "no model"}})
    line = json.loads(output.getvalue())
    assert (line["level"], line["message"], line["detail"]) == ("warning", "phase failed", "no model")
    assert [item.text for item in buffer.batch()] == [output.getvalue().strip()]


@pytest.mark.parametrize("text", ["", "é" * MAX_EVENT_BYTES])
def test_odd_lines_are_shippable(text: str) -> None:
    """An empty message is refused by CloudWatch, and a cut one must still be text."""
    buffer = Buffer()
    buffer.add(0, text)
    (line,) = buffer.batch()
    assert 1 <= len(line.text.encode()) <= MAX_EVENT_BYTES
