"""Samples in the emulated S3: only the role reads them, and what is asked for is what comes."""

import gzip
import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.aws.samples import SampleBucket
from infra.aws.session import Session
from infra.environment import names
from infra.errors import LlmctlError, Refused
from infra.samples.catalogue import Batch, by_hour, fetch

NOW = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)


@pytest.fixture
def bucket(session: Session, request: pytest.FixtureRequest) -> SampleBucket:
    """A bucket with a sample every ten minutes of the last two days, of two releases; guarded as on AWS."""
    environment = f"e{zlib.crc32(request.node.name.encode())}"
    samples = SampleBucket(session, environment, NOW)
    session.s3.create_bucket(Bucket=samples.name)
    for hour in range(48):
        begin = (NOW - timedelta(hours=hour)).replace(minute=0)
        release = 1 if hour > 24 else 2
        times = [begin + timedelta(minutes=10 * step) for step in range(6)]
        _put(session, samples.name, release, begin, [each for each in times if each <= NOW])
    session.s3.put_object(Bucket=samples.name, Key="model=chat/release=2/date=2026-11-22/README", Body=b"?")
    role = f"arn:aws:iam::{session.account}:role/{names.samples_role(environment)}"
    rule = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{samples.name}/*"],
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": role}},
    }
    session.s3.put_bucket_policy(
        Bucket=samples.name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [rule]})
    )
    return samples


def _put(session: Session, bucket: str, release: int, hour: datetime, times: list[datetime]) -> None:
    lines = [json.dumps({"time": each.isoformat(), "release": release}) for each in times]
    folder = f"model=chat/release={release}/date={hour:%Y-%m-%d}/hour={hour:%H}"
    key = f"{folder}/i-1-{hour.timestamp():.0f}.jsonl.gz"
    session.s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress("\n".join(lines).encode()))


def _times(samples: list[dict[str, Any]]) -> list[datetime]:
    return [datetime.fromisoformat(each["time"]) for each in samples]


def test_samples_of_a_span_are_read_by_the_role(session: Session, bucket: SampleBucket) -> None:
    """Each sample since then, across midnight, once and in order; our own identity reads none."""
    since = NOW - timedelta(hours=20)
    found = _times(fetch(bucket, "chat", since=since))
    assert found == sorted(found)
    assert (len(found), found[0], found[-1]) == (121, since, NOW)
    item = next(iter(bucket.batches("chat", since=since, release=None)))
    with pytest.raises(ClientError, match=r"403|AccessDenied|Forbidden"):
        session.s3.get_object(Bucket=bucket.name, Key=item.key)


def test_limit_takes_the_newest(bucket: SampleBucket) -> None:
    """A limit is not an arbitrary choice, and reads no more than it needs."""
    read = []
    inner = bucket.read

    def counted(item: Batch) -> bytes:
        read.append(item.key)
        return inner(item)

    bucket.read = counted  # type: ignore[method-assign]
    found = _times(fetch(bucket, "chat", since=NOW - timedelta(hours=40), limit=5))
    assert found == [NOW - timedelta(minutes=10 * step) for step in (4, 3, 2, 1, 0)]
    assert len(read) == 2


def test_one_release(bucket: SampleBucket) -> None:
    """A release's samples are found without reading the other's."""
    since = NOW - timedelta(hours=40)
    assert {each["release"] for each in fetch(bucket, "chat", since=since, release=1)} == {1}
    hours = by_hour(bucket.batches("chat", since=since, release=None))
    assert [hour.release for hour in hours] == [1] * 16 + [2] * 25
    assert hours[-1].hour == NOW.replace(minute=0)


def test_other_models_have_none(bucket: SampleBucket) -> None:
    """Nothing captured is an empty answer, not an error."""
    assert fetch(bucket, "other", since=NOW - timedelta(days=2)) == []


def test_an_environment_without_samples_says_so(session: Session) -> None:
    """Capturing is off unless asked for: people learn where to ask."""
    with pytest.raises(Refused, match="keeps no samples") as refused:
        fetch(SampleBucket(session, "plain", NOW), "chat", since=NOW)
    assert "capture" in refused.value.hint


def test_an_object_that_is_no_sample_is_named(session: Session, bucket: SampleBucket) -> None:
    """A broken object is told by its name, not as a traceback."""
    key = f"model=chat/release=2/date={NOW:%Y-%m-%d}/hour=19/i-1-1.jsonl.gz"
    session.s3.put_object(Bucket=bucket.name, Key=key, Body=b"not gzip")
    with pytest.raises(LlmctlError, match=r"i-1-1\.jsonl\.gz can't be read"):
        fetch(bucket, "chat", since=NOW - timedelta(hours=1))
