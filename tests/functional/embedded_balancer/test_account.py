"""The balancer on the emulated account itself: what the AWS API says and what clients get agree."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.embedded import aws
from infra.embedded.addresses import Addresses
from infra.embedded.aws.server import Server
from infra.embedded.balancer.balancer import Balancer
from tests.functional.embedded_balancer.conftest import Site
from tests.functional.embedded_balancer.server import TargetServer

pytestmark = pytest.mark.slow


class Account(Site):
    """The balancer with the account that moto keeps."""

    def __init__(self, directory: Path, addresses: Addresses, elb: Any) -> None:
        super().__init__(directory, addresses)
        self.elb = elb
        self.balancer = Balancer(directory, self._address, addresses.allocate)
        self.balancer.start()

    @property
    def address(self) -> str:
        """What DescribeLoadBalancers says."""
        return str(self.elb.describe_load_balancers()["LoadBalancers"][0]["DNSName"])

    def health(self, group: str) -> dict[str, str]:
        """State of each target that DescribeTargetHealth lists."""
        found = self.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return {one["Target"]["Id"]: one["TargetHealth"]["State"] for one in found}


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    """An empty account with its API and its balancer."""
    server = Server()
    aws.reset()
    elb = _client("elbv2", server.url)
    addresses = Addresses.claim(str(tmp_path))
    one = Account(tmp_path / "balancer", addresses, elb)
    yield one
    one.stop()
    elb.close()
    addresses.release()
    aws.reset()
    server.stop()


def _client(service: str, url: str) -> Any:
    make: Any = boto3.client  # typed for each service's own name only
    return make(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def _group(account: Account, name: str, vpc: str) -> str:
    made = account.elb.create_target_group(
        Name=name,
        Protocol="HTTP",
        Port=8000,
        VpcId=vpc,
        TargetType="ip",
        HealthCheckPath="/health",
        HealthCheckIntervalSeconds=5,
        HealthCheckTimeoutSeconds=2,
    )
    return str(made["TargetGroups"][0]["TargetGroupArn"])


def _split(groups: list[str], *weights: int) -> dict[str, Any]:
    weighted = [
        {"TargetGroupArn": group, "Weight": weight} for group, weight in zip(groups, weights, strict=True)
    ]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": weighted}}


def _network(url: str) -> tuple[str, list[str]]:
    """Id of the account's default VPC, and two of its subnets."""
    ec2 = _client("ec2", url)
    subnets = ec2.describe_subnets()["Subnets"][:2]
    ec2.close()
    return subnets[0]["VpcId"], [one["SubnetId"] for one in subnets]


def test_account_and_data_plane_agree(account: Account) -> None:
    """A group made by API calls serves, moves with ModifyListener, tells its health, and drains."""
    elb = account.elb
    vpc, subnets = _network(elb.meta.endpoint_url)
    balancer = elb.create_load_balancer(Name="web", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    groups = [_group(account, name, vpc) for name in ("blue", "green")]
    port = account.port
    listener = elb.create_listener(
        LoadBalancerArn=balancer, Protocol="HTTP", Port=port, DefaultActions=[_split(groups, 100, 0)]
    )["Listeners"][0]["ListenerArn"]
    for name, group in zip(("blue", "green"), groups, strict=True):
        server = account.servers[name] = TargetServer(name, account.addresses.allocate(name))
        elb.register_targets(TargetGroupArn=group, Targets=[{"Id": server.address, "Port": server.port}])
    assert set(account.health(groups[0]).values()) == {"initial"}
    account.until(lambda: [*account.health(groups[0]).values()] == ["healthy"])
    account.until(lambda: [*account.health(groups[1]).values()] == ["healthy"])
    assert set(account.names(10)) == {"blue"}

    elb.modify_listener(ListenerArn=listener, DefaultActions=[_split(groups, 0, 100)])
    account.until(lambda: account.get().name == "green")
    assert set(account.names(10)) == {"green"}

    connection = account.connect()
    connection.request("GET", "/stream")
    response = connection.getresponse()
    green = account.servers["green"]
    elb.deregister_targets(TargetGroupArn=groups[1], Targets=[{"Id": green.address}])
    account.until(lambda: account.get().status == 503)
    assert [*account.health(groups[1]).values()] == ["draining"]
    green.finish_streams()
    assert response.read().endswith(b"end")
    connection.close()
    account.until(lambda: account.health(groups[1]) == {})
