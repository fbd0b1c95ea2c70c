"""Keys, spans and content of samples."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.render.samples import print_hours, write_samples
from infra.agent.capture_outbox import Outbox
from infra.errors import LlmctlError
from infra.samples.catalogue import Batch, batch, by_hour, days, decode, fetch

HOUR = datetime(2026, 11, 22, 19, tzinfo=UTC)


@given(
    st.from_regex("[a-z](-?[a-z0-9]){0,9}", fullmatch=True),
    st.none() | st.integers(1, 9999),
    st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001 - made UTC below
)
def test_the_agents_keys_are_understood(model: str, release: int | None, at: datetime) -> None:
    """What the agent writes, the command reads: both sides agree on every key and every line."""
    at = at.replace(tzinfo=UTC)
    written: dict[str, bytes] = {}
    outbox = Outbox(model, "i-0abc")
    outbox.add({"time": at.isoformat()}, time=at.timestamp(), release=release, now=0)
    outbox.ship(lambda key, content: written.update({key: content}) or True, now=0, all_of_it=True)
    ((key, content),) = written.items()
    found = batch(key, len(content))
    assert found is not None
    assert (found.model, found.release, found.replica) == (model, release, "i-0abc")
    assert found.hour == at.replace(minute=0, second=0, microsecond=0)
    assert decode(found, content) == [{"time": at.isoformat()}]


@pytest.mark.parametrize(
    "key",
    [
        "README",
        "model=chat/release=1/date=2026-11-22/hour=19/",
        "model=chat/release=x/date=2026-11-22/hour=19/i-1-1.jsonl.gz",
        "model=chat/release=1/date=2026-13-22/hour=19/i-1-1.jsonl.gz",
        "model=chat/release=1/date=2026-11-22/hour=19/i-1-1.jsonl",
    ],
)
def test_other_objects_are_left_alone(key: str) -> None:
    """A bucket may hold what isn't ours."""
    assert batch(key, 1) is None


def test_days_cover_the_span() -> None:
    """A span over midnight, in whatever time zone it is given, looks into both days of UTC."""
    since = HOUR.astimezone(UTC) - timedelta(hours=20)
    assert list(days(since, HOUR)) == ["2026-11-21", "2026-11-22"]
    assert list(days(HOUR, HOUR)) == ["2026-11-22"]


def item(release: int | None, hour: datetime = HOUR, replica: str = "i-1") -> Batch:
    """An object of 2 KiB."""
    return Batch(key="k", model="chat", release=release, hour=hour, replica=replica, bytes=2048)


def test_hours_are_shown_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """People see how much there is of each release, hour by hour."""
    print_hours(by_hour([item(3), item(3, replica="i-2"), item(None, HOUR - timedelta(hours=1))]))
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if "2026" in line]
    assert rows == [
        ["2026-11-22", "18", "chat", "?", "1", "1", "2.0"],
        ["2026-11-22", "19", "chat", "3", "2", "2", "4.0"],
    ]


def test_no_samples_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty table would leave people wondering."""
    print_hours([])
    assert capsys.readouterr() == ("", "no samples in this time\n")


def test_samples_are_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To stdout for a pipe; to a file that only its owner reads."""
    write_samples([{"a": "é"}, {"b": 1}], None)
    assert capsys.readouterr() == ('{"a": "é"}\n{"b": 1}\n', "2 samples\n")
    path = tmp_path / "out"
    write_samples([{"a": 1}], path)
    assert path.read_text() == '{"a": 1}\n'
    assert path.stat().st_mode & 0o777 == 0o600


class _Shelf:
    def batches(self, model: str, *, since: datetime, release: int | None) -> Iterator[Batch]:
        yield item(1)

    def read(self, batch: Batch) -> bytes:
        return gzip.compress(b'{"no time": 1}\n')


def test_lines_without_a_time_are_no_samples() -> None:
    """A file of another kind is refused by name."""
    with pytest.raises(LlmctlError, match="can't be read as samples"):
        fetch(_Shelf(), "chat", since=HOUR)
