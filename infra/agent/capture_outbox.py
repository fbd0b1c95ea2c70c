"""Records on their way to S3: gathered into objects, tried again while S3 doesn't take them, and bounded.

An object holds the records of one hour of one replica, compressed: it is closed a minute after its first
record, at a megabyte, or at the end. Samples are worth less than the replica's memory: the oldest object is
given up when too much waits, and counted. `put` is the only effect.
"""

import gzip
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

OBJECT_SECONDS = 60.0
OBJECT_BYTES = 1 << 20
WAITING_BYTES = 8 << 20

Put = Callable[[str, bytes], bool]
"""Writes an object under a key; false when it was not taken."""


@dataclass(frozen=True)
class Object:
    """A finished object."""

    key: str
    content: bytes
    records: int


@dataclass
class _Open:
    """Records of an hour that are still gathered. `since`: when the first came, on the caller's clock."""

    folder: str
    since: float
    millisecond: int
    lines: list[bytes] = field(default_factory=list)
    size: int = 0


class Outbox:
    """Objects of one replica. `now` is a monotonic clock in seconds."""

    def __init__(self, model: str, replica: str, *, limit: int = WAITING_BYTES) -> None:
        self._model = model
        self._replica = replica
        self._limit = limit
        self._open: _Open | None = None
        self._waiting: deque[Object] = deque()
        self._last = 0
        self.dropped = 0
        """Records given up."""

    def add(self, record: Mapping[str, object], *, time: float, release: int | None, now: float) -> None:
        """Take a record that began at `time`, in seconds since 1970."""
        folder = partition(self._model, release, time)
        if self._open and self._open.folder != folder:
            self._close()
        if self._open is None:
            self._open = _Open(folder, now, round(time * 1000))
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode(errors="replace") + b"\n"
        self._open.lines.append(line)
        self._open.size += len(line)
        if self._open.size >= OBJECT_BYTES:
            self._close()

    def ship(self, put: Put, *, now: float, all_of_it: bool = False) -> bool:
        """Write what is due, oldest first; false when something was not taken and waits."""
        if self._open and (all_of_it or now - self._open.since >= OBJECT_SECONDS):
            self._close()
        while self._waiting:
            if not put(self._waiting[0].key, self._waiting[0].content):
                return False
            self._waiting.popleft()
        return True

    def _close(self) -> None:
        batch, self._open = self._open, None
        assert batch is not None
        self._last = max(self._last + 1, batch.millisecond)  # no two objects of a replica have one name
        key = f"{batch.folder}/{self._replica}-{self._last}.jsonl.gz"
        content = gzip.compress(b"".join(batch.lines), mtime=0)
        self._waiting.append(Object(key, content, len(batch.lines)))
        while len(self._waiting) > 1 and sum(len(each.content) for each in self._waiting) > self._limit:
            self.dropped += self._waiting.popleft().records


def partition(model: str, release: int | None, time: float) -> str:
    """The folder of a record, as query engines expect partitions."""
    at = datetime.fromtimestamp(time, UTC)
    known = "unknown" if release is None else release
    return f"model={model}/release={known}/date={at:%Y-%m-%d}/hour={at:%H}"
