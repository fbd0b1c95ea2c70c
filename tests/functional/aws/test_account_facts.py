"""What an account has room for, as AWS tells it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber

from infra.aws.account_facts import account_facts
from infra.aws.session import Session
from infra.aws.spot_advisor import SpotAdvisor
from infra.errors import LlmctlError
from infra.risk.account import Account
from infra.risk.market import Rate
from infra.risk.room import Room
from tests.fakes.environments import two_models

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ADVICE = {
    "ranges": [{"index": 0, "label": "<5%"}, {"index": 4, "label": ">20%"}],
    "spot_advisor": {
        "us-east-1": {"Linux": {"g5.xlarge": {"s": 60, "r": 4}, "g6.xlarge": {"s": 61, "r": 0}}}
    },
}


@pytest.fixture
def advice(tmp_path: Path) -> Path:
    """The Spot Instance Advisor's document."""
    file = tmp_path / "advice.json"
    file.write_text(json.dumps(ADVICE))
    return file


def facts(session: Session, advice: Path) -> Account:
    """Of two models."""
    return account_facts(session, two_models(), SpotAdvisor(advice.parent / "kept", advice.as_uri()), NOW)


def test_offers_and_what_others_run(session: Session, advice: Path) -> None:
    """Read from the services; a quota that can't be read is named, and nothing fails."""
    image = session.ec2.describe_images()["Images"][0]["ImageId"]
    session.ec2.run_instances(ImageId=image, InstanceType="g5.2xlarge", MinCount=2, MaxCount=2)
    found = facts(session, advice)
    assert found.others == {"L-DB2E81BA": 16}
    assert found.zones["g5.xlarge"] >= {"us-east-1a", "us-east-1b"}
    assert found.limits == {}
    assert any("L-3819A6DF" in each for each in found.unknown)


def test_interruptions(session: Session, advice: Path) -> None:
    """By type, in the region; without an answer nothing is guessed, and that is said."""
    assert facts(session, advice).interruptions == {
        "g5.xlarge": Rate(20, ">20%"),
        "g6.xlarge": Rate(0, "<5%"),
    }
    advice.write_text("<html>")
    silent = account_facts(session, two_models(), SpotAdvisor(advice.parent / "new", advice.as_uri()), NOW)
    assert silent.interruptions == {}
    assert any(each.startswith("interruptions: the Spot Instance Advisor") for each in silent.unknown)


def test_interruptions_are_asked_for_once_a_day(session: Session, advice: Path) -> None:
    """A plan doesn't wait for a document of megabytes each time; tomorrow's does."""
    advisor = SpotAdvisor(advice.parent / "kept", advice.as_uri())
    first = advisor.rates("us-east-1", NOW)
    advice.unlink()
    assert advisor.rates("us-east-1", NOW) == first
    with pytest.raises(LlmctlError):
        advisor.rates("us-east-1", NOW + timedelta(days=1))


def test_limits(session: Session, advice: Path, monkeypatch: Any) -> None:
    """In the shape in which Service Quotas answers."""
    client = session.client("service-quotas")
    make = Session.client

    def stubbed(self: Session, service: str, **more: Any) -> Any:
        return client if service == "service-quotas" else make(self, service, **more)

    monkeypatch.setattr(Session, "client", stubbed)
    with Stubber(client) as stub:
        for value in (64.0, 128.0, 50.0, 5.0, 6.0):
            stub.add_response("get_service_quota", {"Quota": {"Value": value}})
        found = facts(session, advice)
    assert sorted(found.limits.values()) == [64.0, 128.0]
    networks = len(session.ec2.describe_vpcs()["Vpcs"])
    assert found.room == {"aws_lb": Room(50, 0), "aws_eip": Room(5, 0), "aws_vpc": Room(6, networks)}
