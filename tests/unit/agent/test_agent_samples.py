"""Samples on their way to S3: in the right place, complete, and never too many in memory."""

import gzip
import json
from dataclasses import dataclass, field

import pytest

from infra.agent.capture import Body, Exchange, Origin
from infra.agent.capture_outbox import OBJECT_BYTES, OBJECT_SECONDS, Outbox
from infra.agent.capture_store import Store
from infra.agent.machine import Work
from infra.agent.recorder_child import RecordedEngine

ORIGIN = Origin(environment="test", model="chat", slot="blue", replica="i-1")
NINETEEN = 1_795_374_000.0
"""2026-11-22 19:00 UTC."""


@dataclass
class Bucket:
    """Objects by key; refuses while it is broken."""

    objects: dict[str, bytes] = field(default_factory=dict)
    broken: bool = False

    def put(self, key: str, content: bytes) -> bool:
        """Take an object."""
        if not self.broken:
            self.objects[key] = content
        return not self.broken

    @property
    def records(self) -> list[dict[str, object]]:
        """What is in all objects."""
        return [
            json.loads(line) for each in self.objects.values() for line in gzip.decompress(each).splitlines()
        ]


def exchange(number: int, time: float = NINETEEN) -> Exchange:
    """A small exchange."""
    body = Body(1000)
    body.feed(b'{"prompt": "hi"}')
    return Exchange(request_id=str(number), path="/v1/completions", time=time, request=body, answer=Body(10))


def test_an_object_is_closed_after_a_minute() -> None:
    """A sample is to be seen soon, and not in an object of its own."""
    bucket, outbox = Bucket(), Outbox("chat", "i-1")
    outbox.add({"n": 1}, time=NINETEEN, release=3, now=0)
    outbox.add({"n": 2}, time=NINETEEN + 59, release=3, now=59)
    outbox.ship(bucket.put, now=OBJECT_SECONDS - 1)
    assert not bucket.objects
    outbox.ship(bucket.put, now=OBJECT_SECONDS)
    assert list(bucket.objects) == ["model=chat/release=3/date=2026-11-22/hour=19/i-1-1795374000000.jsonl.gz"]
    assert bucket.records == [{"n": 1}, {"n": 2}]


def test_objects_hold_one_hour_and_have_names_of_their_own() -> None:
    """Partitions are what their names say, and nothing is overwritten."""
    bucket, outbox = Bucket(), Outbox("chat", "i-1")
    for number in range(4):
        outbox.add({"n": number}, time=NINETEEN + number % 2 * 3600, release=3, now=0)
    outbox.ship(bucket.put, now=0, all_of_it=True)
    assert len(bucket.objects) == 4
    assert sorted(key.split("/")[3] for key in bucket.objects) == ["hour=19", "hour=19", "hour=20", "hour=20"]
    assert len(bucket.records) == 4


def test_a_full_object_doesnt_wait() -> None:
    """Memory is bounded by the object's size, not by time."""
    bucket, outbox = Bucket(), Outbox("chat", "i-1")
    outbox.add({"text": "x" * OBJECT_BYTES}, time=NINETEEN, release=None, now=0)
    outbox.ship(bucket.put, now=0)
    assert [key.split("/")[1] for key in bucket.objects] == ["release=unknown"]


def test_what_s3_does_not_take_is_tried_again_and_then_given_up() -> None:
    """An outage costs samples, the oldest first, and they are counted."""
    bucket, outbox = Bucket(broken=True), Outbox("chat", "i-1", limit=1000)
    for hour in range(50):
        outbox.add({"n": hour, "pad": str(hour) * 50}, time=NINETEEN + 3600 * hour, release=1, now=0)
        assert outbox.ship(bucket.put, now=100.0 * hour) is (hour == 0)
    bucket.broken = False
    assert outbox.ship(bucket.put, now=9e9)
    assert len(bucket.records) + outbox.dropped == 50
    assert bucket.records[-1]["n"] == 49
    assert outbox.dropped > 0


def store(bucket: Bucket, release: int | None = 3, limit: int = 1 << 20) -> tuple[Store, list[float]]:
    """A store and its clock."""
    clock = [0.0]
    made = Store(
        origin=ORIGIN,
        redact=("prompt",),
        release=lambda: release,
        put=bucket.put,
        now=lambda: clock[0],
        limit=limit,
    )
    return made, clock


def test_exchanges_become_redacted_records() -> None:
    """Round trip: what was kept is in the bucket, in the agreed form, without what was to be redacted."""
    bucket = Bucket()
    samples, clock = store(bucket)
    samples.keep(exchange(1))
    samples.step()
    clock[0] = 61
    samples.step()
    (kept,) = bucket.records
    assert (kept["request_id"], kept["release"], kept["slot"]) == ("1", 3, "blue")
    assert kept["request"] == {"prompt": "[redacted]"}
    assert kept["truncated"] is True


def test_records_wait_for_the_release_but_not_beyond_the_end() -> None:
    """Where a record goes depends on the release; at the end an unknown one must do."""
    bucket = Bucket()
    samples, clock = store(bucket, release=None)
    samples.keep(exchange(1))
    for clock[0] in (0.0, 100.0, 1000.0):
        samples.step()
    assert not bucket.objects
    samples.step(last=True)
    assert bucket.records[0]["release"] is None


def test_more_than_fits_is_dropped_and_said(caplog: pytest.LogCaptureFixture) -> None:
    """A replica's memory is worth more than its samples."""
    bucket = Bucket()
    samples, _ = store(bucket, limit=5000)
    for number in range(100):
        samples.keep(exchange(number))
    samples.step(last=True)
    assert 1 <= len(bucket.records) < 10
    assert samples.dropped == 100 - len(bucket.records)
    assert "samples dropped" in caplog.text


def test_the_thread_ships_what_is_left_when_it_is_closed() -> None:
    """A replica that leaves takes no samples with it."""
    bucket = Bucket()
    samples, _ = store(bucket)
    samples.start()
    samples.keep(exchange(1))
    samples.close(10)
    assert len(bucket.records) == 1


@dataclass
class _Process:
    running: bool = False
    calls: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.calls.append("start")
        self.running = True

    def stop(self) -> None:
        self.calls.append("stop")

    def kill(self) -> None:
        self.calls.append("kill")
        self.running = False


@dataclass
class _Engine:
    work: tuple[Work, str] = (Work.RUNNING, "")
    calls: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.calls.append("start")

    def poll(self) -> tuple[Work, str]:
        return self.work

    def stop(self) -> None:
        self.calls.append("stop")

    def kill(self) -> None:
        self.calls.append("kill")


def test_an_engine_counts_as_stopped_when_its_samples_are_shipped() -> None:
    """The instance may be taken as soon as the agent says goodbye."""
    engine, process = _Engine(), _Process()
    recorded = RecordedEngine(engine, process)  # type: ignore[arg-type]
    recorded.start()
    assert (engine.calls, process.calls) == (["start"], ["start"])
    recorded.stop()
    assert recorded.poll()[0] is Work.RUNNING
    assert process.calls == ["start"]
    engine.work = (Work.DONE, "ended")
    assert recorded.poll()[0] is Work.RUNNING
    assert process.calls[-1] == "stop"
    process.running = False
    assert recorded.poll() == (Work.DONE, "ended")


def test_an_engine_that_crashes_is_seen_at_once() -> None:
    """Only an end that was asked for waits for the recorder, which goes on for the next start."""
    engine, process = _Engine(), _Process()
    recorded = RecordedEngine(engine, process)  # type: ignore[arg-type]
    recorded.start()
    engine.work = (Work.FAILED, "signal 9")
    assert recorded.poll() == (Work.FAILED, "signal 9")
    assert "stop" not in process.calls
    recorded.kill()
    assert process.calls[-1] == "kill"
