"""Lines of the agent and the engine, to standard output and to CloudWatch Logs.

Shipping may never hold up the replica or eat its memory: lines wait in a bounded buffer, the oldest are
dropped when CloudWatch doesn't take them in time, and how many is said as soon as it does. A batch keeps to
the limits of PutLogEvents.
"""

import json
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from infra.agent.aws import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

MAX_EVENTS = 10_000
MAX_BYTES = 1_048_576
EVENT_OVERHEAD = 26
MAX_EVENT_BYTES = 262_144 - EVENT_OVERHEAD
MAX_SPAN_MS = 23 * 3600 * 1000
BUFFER_BYTES = 8 * 1024 * 1024
_FLUSH_EVERY = 1.0
_RETRY_EVERY = 5.0
_FINAL_ATTEMPT_SECONDS = 3.0


@dataclass(frozen=True)
class Line:
    """A line and when it came, in epoch milliseconds."""

    time: int
    text: str
    size: int
    """Bytes, as PutLogEvents counts them."""


@dataclass
class Buffer:
    """Lines of one stream that wait to be shipped, oldest first, bounded by `limit` bytes."""

    limit: int = BUFFER_BYTES
    dropped: int = 0
    """Lines lost since it was last said."""
    _lines: deque[Line] = field(default_factory=deque)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, time_ms: int, text: str) -> None:
        """Append a line, cut to what CloudWatch takes; the oldest make room."""
        data = text.encode()[:MAX_EVENT_BYTES]
        line = Line(time_ms, data.decode(errors="ignore") or " ", len(data) + EVENT_OVERHEAD)
        with self._lock:
            self._lines.append(line)
            self._bytes += line.size
            while self._bytes > self.limit and len(self._lines) > 1:
                self._bytes -= self._lines.popleft().size
                self.dropped += 1

    def batch(self) -> tuple[Line, ...]:
        """The oldest lines that fit into one call; they stay until `shipped`."""
        taken: list[Line] = []
        size = 0
        with self._lock:
            for line in self._lines:
                size += line.size
                late = bool(taken) and line.time - taken[0].time > MAX_SPAN_MS
                if size > MAX_BYTES or len(taken) == MAX_EVENTS or late:
                    break
                taken.append(line)
        return tuple(taken)

    def shipped(self, batch: tuple[Line, ...]) -> None:
        """Forget the lines of a batch; some may have been dropped meanwhile."""
        gone = set(map(id, batch))
        with self._lock:
            while self._lines and id(self._lines[0]) in gone:
                self._bytes -= self._lines.popleft().size


class Shipper:
    """Ships buffers to streams of one log group, from a thread of its own."""

    def __init__(self, client: "CloudWatchLogsClient", group: str, buffers: Mapping[str, Buffer]) -> None:
        self._client = client
        self._group = group
        self._buffers = buffers
        self._created: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-shipper", daemon=True)

    def start(self) -> None:
        """Begin to ship every second."""
        self._thread.start()

    def close(self, seconds: float) -> None:
        """Ship what is left, for at most so long."""
        self._stop.set()
        self._thread.join(seconds)

    def ship(self) -> bool:
        """Ship all that waits; false when CloudWatch didn't take it."""
        try:
            for stream, buffer in self._buffers.items():
                self._ship_stream(stream, buffer)
        except aws_errors() as error:
            # To stderr, not to the log: a line about each failure would feed what can't be shipped.
            sys.stderr.write(f"logs are not shipped: {error}\n")
            return False
        return True

    def _ship_stream(self, stream: str, buffer: Buffer) -> None:
        self._mention_dropped(buffer)
        while batch := buffer.batch():
            self._create(stream)
            # Lines of several threads may be a little out of order, which PutLogEvents refuses.
            events: list[InputLogEventTypeDef] = [
                {"timestamp": line.time, "message": line.text} for line in sorted(batch, key=lambda x: x.time)
            ]
            self._client.put_log_events(logGroupName=self._group, logStreamName=stream, logEvents=events)
            buffer.shipped(batch)

    def _mention_dropped(self, buffer: Buffer) -> None:
        if buffer.dropped:
            count, buffer.dropped = buffer.dropped, 0
            buffer.add(int(time.time() * 1000), json.dumps({"message": "lines dropped", "count": count}))

    def _create(self, stream: str) -> None:
        if stream in self._created:
            return
        # It exists when an earlier agent on this instance made it.
        with suppress(self._client.exceptions.ResourceAlreadyExistsException):
            self._client.create_log_stream(logGroupName=self._group, logStreamName=stream)
        self._created.add(stream)

    def _run(self) -> None:
        pause = _FLUSH_EVERY
        while not self._stop.wait(pause):
            pause = _FLUSH_EVERY if self.ship() else _RETRY_EVERY
        self.ship()


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, message, and the record's `fields`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class Tee(logging.Handler):
    """Writes the agent's records to a stream and into a buffer."""

    def __init__(self, buffer: Buffer, output: TextIO) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self._write = line_writer(buffer, output)

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises into the caller."""
        try:
            self._write(self.format(record))
        except (OSError, ValueError):
            self.handleError(record)


def line_writer(buffer: Buffer, output: TextIO) -> Callable[[str], None]:
    """A function that writes a line to both."""

    def write(line: str) -> None:
        buffer.add(int(time.time() * 1000), line)
        output.write(f"{line}\n")
        output.flush()

    return write
