"""The metadata service, over real HTTP: session tokens, who sees what, and what is not there."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest

from infra.embedded.addresses import Addresses
from infra.embedded.aws.views import Instance
from infra.embedded.compute.metadata import MetadataService
from infra.embedded.loop import LoopThread

NOW = 1_800_000_000.0
SPOT = Instance(
    id="i-1",
    account="123456789012",
    region="us-east-1",
    state="running",
    zone="us-east-1b",
    subnet_id=None,
    instance_type="g5.xlarge",
    market="spot",
    image_id="ami-1",
    user_data=b"#!/bin/sh\n",
    tags={"llmctl:slot": "blue", "Name": "x"},
    metadata_tags=True,
    role_name="the-role",
    private_ip="10.0.0.1",
    launched=NOW - 60,
    launch_template_id=None,
    launch_template_version=None,
    autoscaling_group="g",
    target_lifecycle_state="InService",
)
PLAIN = replace(
    SPOT, id="i-2", metadata_tags=False, role_name=None, user_data=b"", target_lifecycle_state=None
)


class Fixture:
    """A service with two instances, a clock to turn, and a client for both."""

    def __init__(self, service: MetadataService, addresses: dict[str, str]) -> None:
        self.service = service
        self.addresses = addresses
        self.now = NOW

    def call(self, instance: str, path: str, method: str = "GET", **headers: str) -> str:
        """One request; raises HTTPError."""
        url = f"http://{self.addresses[instance]}:{self.service.port}/latest/{path}"
        request = urllib.request.Request(
            url, method=method, headers={key.replace("_", "-"): value for key, value in headers.items()}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=5) as response:
            return str(response.read().decode())

    def token(self, instance: str, seconds: int = 60) -> str:
        """A new session token."""
        return self.call(instance, "api/token", "PUT", X_aws_ec2_metadata_token_ttl_seconds=str(seconds))

    def read(self, instance: str, path: str) -> str:
        """A path, with a token; raises HTTPError."""
        return self.call(instance, path, X_aws_ec2_metadata_token=self.token(instance))

    def status(self, instance: str, path: str, method: str = "GET", **headers: str) -> int:
        """The status of a request that must fail."""
        with pytest.raises(urllib.error.HTTPError) as caught:
            self.call(instance, path, method, **headers)
        caught.value.close()
        return caught.value.code

    def missing(self, instance: str, path: str) -> bool:
        """Whether a path is not there."""
        return self.status(instance, path, X_aws_ec2_metadata_token=self.token(instance)) == 404


@pytest.fixture
def metadata() -> Iterator[Fixture]:
    """A running service for both instances."""
    loop = LoopThread("test")
    addresses = Addresses.claim("metadata-test")
    fixture: Fixture
    service = MetadataService(loop, lambda: (SPOT, PLAIN), clock=lambda: fixture.now)
    fixture = Fixture(service, {key: addresses.allocate(key) for key in ("i-1", "i-2")})
    for key, address in fixture.addresses.items():
        service.open(key, address)
    yield fixture
    service.stop()
    loop.stop()
    addresses.release()


def test_tokens_are_needed(metadata: Fixture) -> None:
    """Version 1 requests, wrong, expired and other instances' tokens are refused, as with IMDSv2 required."""
    path = "meta-data/instance-id"
    token = metadata.token("i-1", 10)
    assert metadata.status("i-1", path) == 401
    assert metadata.status("i-1", path, X_aws_ec2_metadata_token="wrong") == 401
    assert metadata.status("i-2", path, X_aws_ec2_metadata_token=token) == 401
    assert metadata.call("i-1", path, X_aws_ec2_metadata_token=token) == "i-1"
    metadata.now += 10
    assert metadata.status("i-1", path, X_aws_ec2_metadata_token=token) == 401


def test_an_outage_is_one_instances_own(metadata: Fixture) -> None:
    """It answers 503 there, tokens included, and all is as before afterwards."""
    token = metadata.token("i-1")
    metadata.service.set_outage("i-1", out=True)
    path = "meta-data/instance-id"
    assert metadata.status("i-1", path, X_aws_ec2_metadata_token=token) == 503
    assert metadata.read("i-2", path) == "i-2"
    metadata.service.set_outage("i-1", out=False)
    assert metadata.call("i-1", path, X_aws_ec2_metadata_token=token) == "i-1"


@pytest.mark.parametrize("seconds", ["0", "21601", "x", ""])
def test_token_lifetime_is_checked(metadata: Fixture, seconds: str) -> None:
    """A token needs a lifetime of 1 second to 6 hours."""
    header = {"X_aws_ec2_metadata_token_ttl_seconds": seconds}
    assert metadata.status("i-1", "api/token", "PUT", **header) == 400


def test_identity(metadata: Fixture) -> None:
    """Each address answers for its own instance."""
    assert metadata.read("i-1", "meta-data/instance-id") == "i-1"
    assert metadata.read("i-2", "meta-data/instance-id") == "i-2"
    assert metadata.read("i-1", "meta-data/placement/availability-zone") == "us-east-1b"
    assert metadata.read("i-1", "meta-data/local-ipv4") == metadata.addresses["i-1"]
    document = json.loads(metadata.read("i-1", "dynamic/instance-identity/document"))
    assert document["instanceId"] == "i-1"
    assert document["instanceType"] == "g5.xlarge"
    assert document["region"] == "us-east-1"


def test_tags_only_where_the_template_offers_them(metadata: Fixture) -> None:
    """Tags, with colons in their keys, are there exactly if InstanceMetadataTags is enabled."""
    assert metadata.read("i-1", "meta-data/tags/instance/llmctl:slot") == "blue"
    assert metadata.read("i-1", "meta-data/tags/instance/").split() == ["Name", "llmctl:slot"]
    assert metadata.missing("i-2", "meta-data/tags/instance/llmctl:slot")


def test_listing(metadata: Fixture) -> None:
    """A folder lists one level, folders with a slash."""
    assert metadata.read("i-1", "meta-data/placement/").split() == ["availability-zone", "region"]
    assert "placement/" in metadata.read("i-1", "meta-data/").split()


def test_credentials_satisfy_an_sdk(metadata: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 takes the role's credentials from here by itself, and knows when to renew them."""
    from botocore.session import Session

    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    endpoint = f"http://{metadata.addresses['i-1']}:{metadata.service.port}/"
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint)
    credentials = Session().get_credentials()
    assert credentials is not None
    assert credentials.method == "iam-role"
    assert credentials.access_key.startswith("ASIA")
    assert len(credentials.access_key) == 20
    assert metadata.missing("i-2", "meta-data/iam/security-credentials/")


def test_spot_notices(metadata: Fixture) -> None:
    """No notice is a 404; a notice is for its instance only and names action and time."""
    action, rebalance = "meta-data/spot/instance-action", "meta-data/events/recommendations/rebalance"
    assert metadata.missing("i-1", action)
    assert metadata.missing("i-1", rebalance)
    metadata.service.set_rebalance("i-1", NOW)
    metadata.service.set_interruption("i-1", "terminate", NOW + 120)
    notice = json.loads(metadata.read("i-1", action))
    assert notice["action"] == "terminate"
    assert datetime.fromisoformat(notice["time"]).timestamp() == NOW + 120
    assert "noticeTime" in json.loads(metadata.read("i-1", rebalance))
    assert metadata.missing("i-2", action)


def test_lifecycle_and_user_data(metadata: Fixture) -> None:
    """The state that autoscaling wants, and the user data, where there are any."""
    assert metadata.read("i-1", "meta-data/autoscaling/target-lifecycle-state") == "InService"
    assert metadata.read("i-1", "user-data") == "#!/bin/sh\n"
    assert metadata.missing("i-2", "meta-data/autoscaling/target-lifecycle-state")
    assert metadata.missing("i-2", "user-data")


def test_a_closed_address_is_closed(metadata: Fixture) -> None:
    """After an instance's end nobody answers on its address."""
    metadata.service.close(metadata.addresses["i-1"])
    with pytest.raises(OSError, match="refused"):
        metadata.token("i-1")
