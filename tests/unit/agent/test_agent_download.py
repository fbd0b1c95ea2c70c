"""Weights from S3: resumed, checked, stopped."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.agent.download import S3Weights
from infra.agent.fetch import Cancelled, FetchError


class FakeBody(io.BytesIO):
    """A response's body."""

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        """As botocore's."""
        while chunk := self.read(size):
            yield chunk


class FakeS3:
    """One bucket. `cut` makes answers end early; `ranges` is what was asked for."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects
        self.cut: int | None = None
        self.ranges: list[str] = []

    def get_paginator(self, name: str) -> "FakeS3":
        """As boto3."""
        return self

    def paginate(self, **request: str) -> list[dict[str, Any]]:
        """As boto3."""
        found = [(key, data) for key, data in self.objects.items() if key.startswith(request["Prefix"])]
        contents = [{"Key": key, "Size": len(data), "ETag": f'"{len(data)}x"'} for key, data in found]
        return [{"Contents": contents}, {}]

    def get_object(self, **request: str) -> dict[str, Any]:
        """As boto3."""
        self.ranges.append(request["Range"])
        offset = int(request["Range"].removeprefix("bytes=").partition("-")[0])
        return {"Body": FakeBody(self.objects[request["Key"]][offset : self.cut])}


def download(s3: FakeS3, uri: str, folder: Path, cancel: threading.Event | None = None) -> list[str]:
    """Download and return what was said."""
    said: list[str] = []
    S3Weights(s3, uri, folder)(said.append, cancel or threading.Event())  # type: ignore[arg-type]
    return said


def test_everything_below_the_prefix_arrives_and_nothing_else(tmp_path: Path) -> None:
    """A model beside it with a longer name is another model."""
    s3 = FakeS3({"m/a.json": b"{}", "m/sub/b.bin": b"bb", "m2/c": b"c", "m/": b"", "m/empty": b""})
    said = download(s3, "s3://bucket/m", tmp_path)
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    files = {str(path.relative_to(tmp_path)): path.read_bytes() for path in found}
    assert files == {"a.json": b"{}", "sub/b.bin": b"bb", "empty": b""}
    assert said[-1].endswith("GiB")


def test_single_file_keeps_its_name(tmp_path: Path) -> None:
    """A GGUF file is named by its own key."""
    download(FakeS3({"x/m.gguf": b"GGUF"}), "s3://bucket/x/m.gguf", tmp_path)
    assert (tmp_path / "m.gguf").read_bytes() == b"GGUF"


def test_cut_download_is_an_error_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """A short file must never reach the engine, and 100 GiB must not be fetched twice."""
    s3 = FakeS3({"m/a": b"0123456789"})
    s3.cut = 4
    with pytest.raises(FetchError, match="4 bytes arrived, not 10"):
        download(s3, "s3://bucket/m", tmp_path)
    assert not (tmp_path / "a").exists()
    s3.cut = None
    download(s3, "s3://bucket/m", tmp_path)
    assert (tmp_path / "a").read_bytes() == b"0123456789"
    assert s3.ranges == ["bytes=0-9", "bytes=4-9"]


def test_complete_files_are_kept(tmp_path: Path) -> None:
    """A restarted agent has its weights already."""
    s3 = FakeS3({"m/a": b"0123456789"})
    download(s3, "s3://bucket/m", tmp_path)
    download(s3, "s3://bucket/m", tmp_path)
    assert len(s3.ranges) == 1


def test_cancel_stops_the_download(tmp_path: Path) -> None:
    """A leaving instance must not go on to fetch."""
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        download(FakeS3({"m/a": b"0123456789"}), "s3://bucket/m", tmp_path, cancel)


def test_nothing_there_is_an_error(tmp_path: Path) -> None:
    """A mistyped prefix must not start an engine without weights."""
    with pytest.raises(FetchError, match="s3://bucket/none: there is nothing"):
        download(FakeS3({}), "s3://bucket/none", tmp_path)


def test_keys_stay_inside_the_folder(tmp_path: Path) -> None:
    """A key is a stranger's text."""
    with pytest.raises(FetchError, match="not a name for a file"):
        download(FakeS3({"m/../../etc/passwd": b"x"}), "s3://bucket/m", tmp_path)
