"""The state bucket: made once, safe to make again, never someone else's."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.aws.account import checked_account
from infra.aws.session import Session
from infra.aws.state_bucket import TAGS, StateBucket
from infra.environment.model import Environment, Provider
from infra.errors import LlmctlError, Refused

_PROPERTIES = ["bucket", "versioning", "encryption", "no public access", "TLS only", "tags"]


@pytest.fixture
def session(endpoint: str) -> Session:
    """The test server, in a region that isn't the first one."""
    return _session(endpoint)


def _session(endpoint: str, region: str = "eu-west-3") -> Session:
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    return Session(region, {"AWS_ENDPOINT_URL": endpoint, **keys})


def test_a_second_run_changes_nothing(session: Session) -> None:
    """Everything is done once; the second time, everything was there already."""
    bucket = StateBucket(session, "llmctl-state-twice")
    assert not bucket.exists()
    assert [(done.what, done.changed) for done in bucket.ensure()] == [(what, True) for what in _PROPERTIES]
    assert bucket.exists()
    assert [(done.what, done.changed) for done in bucket.ensure()] == [(what, False) for what in _PROPERTIES]


def test_an_incomplete_bucket_is_completed(session: Session) -> None:
    """A run that was cut off is finished by the next, and what others added stays."""
    name = "llmctl-state-half"
    session.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    session.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "team", "Value": "search"}]})
    changed = {done.what for done in StateBucket(session, name).ensure() if done.changed}
    assert changed >= {"versioning", "no public access", "TLS only", "tags"}
    assert "bucket" not in changed
    tags = {tag["Key"]: tag["Value"] for tag in session.s3.get_bucket_tagging(Bucket=name)["TagSet"]}
    assert tags == {"team": "search", **TAGS}


def test_what_it_demands(session: Session) -> None:
    """Versioned, encrypted, closed to the public, and reachable over TLS only."""
    name = "llmctl-state-safe"
    StateBucket(session, name).ensure()
    s3 = session.s3
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Condition"]) == (
        "Deny",
        {"Bool": {"aws:SecureTransport": "false"}},
    )


def test_the_first_region_takes_no_location(endpoint: str) -> None:
    """us-east-1 refuses to be named as a location."""
    assert StateBucket(_session(endpoint, "us-east-1"), "llmctl-state-first").ensure()[0].changed


@pytest.fixture
def environment() -> Callable[[str], Environment]:
    """Make the part of an environment that says whose account it is for."""

    def make(account: str) -> Environment:
        provider = Provider(name="aws", region="us-east-1", account=account)
        return Environment(
            environment="staging",
            provider=provider,
            network=None,  # type: ignore[arg-type]
            endpoint=None,  # type: ignore[arg-type]
            models={},
        )

    return make


def test_the_wrong_account_is_refused(session: Session, environment: Callable[[str], Environment]) -> None:
    """provider.account is a guard: other credentials stop before anything happens."""
    with pytest.raises(Refused, match=r"provider\.account is 999999999999"):
        checked_account(session, environment("999999999999"), Path("staging.yaml"))
    assert checked_account(session, environment(session.account), Path("staging.yaml")) == session.account


def test_without_credentials_it_is_one_line(
    environment: Callable[[str], Environment], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No credentials: one line that says so, no hint below it, and nothing sent over the network."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(Refused) as caught:
        checked_account(Session("us-east-1", {}), environment("123456789012"), Path("staging.yaml"))
    assert caught.value.message.startswith("staging.yaml: no AWS credentials found: set AWS_PROFILE")
    assert "\n" not in caught.value.message
    assert caught.value.hint == ""


def test_nobody_there_is_told_with_a_hint() -> None:
    """A cloud that doesn't run is named as that, not as a stack of network errors."""
    with pytest.raises(LlmctlError) as caught:
        _ = _session("http://127.0.0.1:9").account
    assert "can't reach AWS" in caught.value.message
    assert "llmctl local up" in caught.value.hint
