"""What an account has room for, as AWS tells it."""

from typing import Any

from botocore.stub import Stubber

from infra.aws.account_facts import account_facts
from infra.aws.session import Session
from tests.fakes.environments import two_models


def test_offers_and_what_others_run(session: Session) -> None:
    """Read from the services; a quota that can't be read is named, and nothing fails."""
    image = session.ec2.describe_images()["Images"][0]["ImageId"]
    session.ec2.run_instances(ImageId=image, InstanceType="g5.2xlarge", MinCount=2, MaxCount=2)
    found = account_facts(session, two_models())
    assert found.others == {"L-DB2E81BA": 16}
    assert found.zones["g5.xlarge"] >= {"us-east-1a", "us-east-1b"}
    assert found.limits == {}
    assert any("L-3819A6DF" in each for each in found.unknown)


def test_limits(session: Session, monkeypatch: Any) -> None:
    """In the shape in which Service Quotas answers."""
    client = session.client("service-quotas")
    make = Session.client

    def stubbed(self: Session, service: str, **more: Any) -> Any:
        return client if service == "service-quotas" else make(self, service, **more)

    monkeypatch.setattr(Session, "client", stubbed)
    with Stubber(client) as stub:
        for value in (64.0, 128.0):
            stub.add_response("get_service_quota", {"Quota": {"Value": value}})
        assert sorted(account_facts(session, two_models()).limits.values()) == [64.0, 128.0]
