"""From the keys and bytes of a bucket to samples. Pure, but for the `Shelf` that it is given.

Keys are `model=chat/release=3/date=2026-11-22/hour=19/i-0123-1795374000000.jsonl.gz`, as the agent writes
them (`infra/agent/capture_outbox.py`). What doesn't look like that is somebody else's and left alone.
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Protocol

from infra.errors import LlmctlError

_KEY = re.compile(
    r"model=(?P<model>[^/]+)/release=(?P<release>\d+|unknown)/date=(?P<date>\d{4}-\d\d-\d\d)/hour=(?P<hour>\d\d)"
    r"/(?P<replica>.+)-\d+\.jsonl\.gz"
)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One object: samples of one replica, of requests that began within one hour."""

    key: str
    model: str
    release: int | None
    """None: the replica didn't know it."""
    hour: datetime
    replica: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Hour:
    """What there is of a release of a model from one hour."""

    model: str
    release: int | None
    hour: datetime
    replicas: int
    objects: int
    bytes: int


class Shelf(Protocol):
    """The bucket."""

    def batches(self, model: str, *, since: datetime, release: int | None) -> Iterable[Batch]:
        """A model's objects of the hours from `since` on, of one release or all, in no order."""

    def read(self, batch: Batch) -> bytes:
        """An object's content."""


def batch(key: str, size: int) -> Batch | None:
    """What a key says; None when it isn't one of ours."""
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    release = found["release"]
    try:
        hour = datetime.strptime(f"{found['date']} {found['hour']} +0000", "%Y-%m-%d %H %z")
    except ValueError:
        return None
    return Batch(
        key=key,
        model=found["model"],
        release=None if release == "unknown" else int(release),
        hour=hour,
        replica=found["replica"],
        bytes=size,
    )


def overlaps(item: Batch, since: datetime) -> bool:
    """Whether an object may hold requests that began at `since` or later."""
    return item.hour + _HOUR > since


def days(since: datetime, now: datetime) -> Iterator[str]:
    """The dates, as they stand in keys, from one moment to another."""
    day = since.astimezone(UTC).date()
    while day <= now.astimezone(UTC).date():
        yield day.isoformat()
        day += timedelta(days=1)


def by_hour(batches: Iterable[Batch]) -> tuple[Hour, ...]:
    """Objects counted for each model, release and hour; oldest first."""

    def place(item: Batch) -> tuple[datetime, str, int]:
        return item.hour, item.model, -1 if item.release is None else item.release

    hours = []
    for _, items in groupby(sorted(batches, key=place), key=place):
        found = list(items)
        hours.append(
            Hour(
                model=found[0].model,
                release=found[0].release,
                hour=found[0].hour,
                replicas=len({item.replica for item in found}),
                objects=len(found),
                bytes=sum(item.bytes for item in found),
            )
        )
    return tuple(hours)


def fetch(
    shelf: Shelf, model: str, *, since: datetime, release: int | None = None, limit: int | None = None
) -> list[dict[str, object]]:
    """A model's samples of requests that began at `since` or later, oldest first; the newest `limit`.

    Objects are read from the newest hour back, and no further than the limit demands. Raises LlmctlError for
    an object that can't be read as samples.
    """
    found: list[dict[str, object]] = []
    batches = sorted(shelf.batches(model, since=since, release=release), key=lambda item: item.hour)
    for _, items in groupby(reversed(batches), key=lambda item: item.hour):
        for item in items:
            found += [each for each in decode(item, shelf.read(item)) if _time(each) >= since]
        if limit is not None and len(found) >= limit:
            break
    found.sort(key=_time)
    return found if limit is None else found[max(0, len(found) - limit) :]


def decode(item: Batch, content: bytes) -> list[dict[str, object]]:
    """The samples in an object; raises LlmctlError if it doesn't hold any."""
    try:
        samples = [json.loads(line) for line in gzip.decompress(content).splitlines()]
        for each in samples:
            _time(each)
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise LlmctlError(
            f"{item.key} can't be read as samples: {error}", hint="was it written by something else?"
        ) from error
    return samples


def _time(sample: dict[str, object]) -> datetime:
    """When its request began; raises ValueError for a time that can't be compared, having no zone."""
    time = datetime.fromisoformat(str(sample["time"]))
    if time.tzinfo is None:
        raise ValueError(f"the time {sample['time']} has no zone")
    return time
