"""Weights from S3: every object below a prefix, side by side, checked by size and resumed where it stopped.

A partial file carries the object's ETag in its name, so that a resumed download never joins two versions.
What is complete is not fetched again.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from infra.agent.fetch import Cancelled, FetchError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK = 1 << 20
_WORKERS = 8


@dataclass(frozen=True)
class _Object:
    key: str
    size: int
    etag: str
    target: Path


@dataclass
class S3Weights:
    """Downloads `uri` (s3://BUCKET/PREFIX) into a folder."""

    s3: "S3Client"
    uri: str
    folder: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _done: int = 0

    def __call__(self, say: Callable[[str], None], cancel: threading.Event) -> None:
        """Fetch what is missing; raises FetchError, Cancelled, OSError or an AWS error."""
        objects = list(self._objects())
        if not objects:
            raise FetchError(f"{self.uri}: there is nothing")
        total = sum(item.size for item in objects)
        self._done = 0
        stop = threading.Event()

        def fetch(item: _Object) -> None:
            for size in self._fetch(item):
                if cancel.is_set() or stop.is_set():
                    raise Cancelled("the download was stopped")
                with self._lock:
                    self._done += size
                    say(f"{self._done / 2**30:.1f} of {total / 2**30:.1f} GiB")

        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="download") as pool:
            futures = [pool.submit(fetch, item) for item in objects]
            try:
                for future in futures:
                    future.result()
            finally:
                stop.set()  # one that failed makes the others useless for now

    def _objects(self) -> Iterator[_Object]:
        bucket, prefix = self._place()
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        folder = f"{prefix.rstrip('/')}/"
        for page in pages:
            for found in page.get("Contents", []):
                key = found["Key"]
                if key.endswith("/") or not (key == prefix or key.startswith(folder)):
                    continue
                name = PurePosixPath(key.removeprefix(folder) if key != prefix else key.rpartition("/")[2])
                if ".." in name.parts or name.is_absolute():
                    raise FetchError(f"s3://{bucket}/{key}: not a name for a file")
                yield _Object(key, found["Size"], found["ETag"].strip('"'), self.folder / name)

    def _fetch(self, item: _Object) -> Iterator[int]:
        """Bytes as they arrive, those that were there already first."""
        if item.target.is_file() and item.target.stat().st_size == item.size:
            yield item.size
            return
        item.target.parent.mkdir(parents=True, exist_ok=True)
        part = item.target.with_name(f"{item.target.name}.{item.etag}.part")
        have = part.stat().st_size if part.is_file() else 0
        if have > item.size:
            part.unlink()
            have = 0
        yield have
        if have < item.size:
            yield from self._append(item, part, have)
        if item.size == 0:
            part.touch()
        if (size := part.stat().st_size) != item.size:
            raise FetchError(f"{item.key}: {size} bytes arrived, not {item.size}")
        part.replace(item.target)

    def _append(self, item: _Object, part: Path, offset: int) -> Iterator[int]:
        bucket, _ = self._place()
        answer = self.s3.get_object(
            Bucket=bucket, Key=item.key, IfMatch=item.etag, Range=f"bytes={offset}-{item.size - 1}"
        )
        with part.open("ab") as file:
            for chunk in answer["Body"].iter_chunks(_CHUNK):
                file.write(chunk)
                yield len(chunk)

    def _place(self) -> tuple[str, str]:
        bucket, _, prefix = self.uri.removeprefix("s3://").partition("/")
        return bucket, prefix
