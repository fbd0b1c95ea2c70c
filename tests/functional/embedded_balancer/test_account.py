"""The balancer on the emulated account itself: what the AWS API says and what clients get agree."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import IncompleteRead
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.embedded import aws
from infra.embedded.addresses import Addresses
from infra.embedded.aws import elbv2
from infra.embedded.aws.server import Server
from infra.embedded.balancer.balancer import Balancer
from tests.functional.embedded_balancer.conftest import Site
from tests.functional.embedded_balancer.server import TargetServer

pytestmark = pytest.mark.slow

_DELAY = 2
"""Seconds that a leaving target has for its requests."""


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

    def round(self) -> None:
        """One round of the daemon's loop, as far as a load balancer goes."""
        elbv2.expire_draining(time.time())
        super().round()

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


def test_the_end_of_the_delay_cuts_what_is_open(account: Account) -> None:
    """A leaving target's requests may take as long as the delay; what still runs then is broken off."""
    elb = account.elb
    vpc, subnets = _network(elb.meta.endpoint_url)
    balancer = elb.create_load_balancer(Name="web", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    group = _group(account, "both", vpc)
    elb.modify_target_group_attributes(
        TargetGroupArn=group,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": str(_DELAY)}],
    )
    elb.create_listener(
        LoadBalancerArn=balancer, Protocol="HTTP", Port=account.port, DefaultActions=[_split([group], 1)]
    )
    _register(account, group, "leaving")
    leaving = account.servers["leaving"]
    with ThreadPoolExecutor() as pool, ExitStack() as last:
        last.callback(leaving.stop)  # whatever happens, no stream goes on for ever
        stream, never, late = (
            pool.submit(_fetch, account, path) for path in ("/stream", "/delay/60", "/delay/1")
        )
        account.until(lambda: set(leaving.hits) >= {"/stream", "/delay/60", "/delay/1"})
        began = time.monotonic()
        elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": leaving.address}])
        _register(account, group, "staying")
        assert set(account.names(10)) == {"staying"}
        account.until(lambda: stream.done() and never.done())
    assert late.result()[:2] == (200, b"late")
    assert stream.result()[:2] == (200, None)
    assert never.result()[0] == 502
    assert min(stream.result()[2], never.result()[2]) - began >= _DELAY
    assert account.balancer.problems() == ()
    assert list(account.health(group).values()) == ["healthy"]


def _register(account: Account, group: str, name: str) -> None:
    """Add a target, and wait until it serves."""
    server = account.server(name)
    account.elb.register_targets(TargetGroupArn=group, Targets=[{"Id": server.address, "Port": server.port}])
    account.until(lambda: account.get().name == name)


def _fetch(account: Account, path: str) -> tuple[int, bytes | None, float]:
    """Status and body of one request, None when it breaks off, and the (monotonic) time when it ended."""
    connection = account.connect()
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(), time.monotonic()
    except IncompleteRead:
        return response.status, None, time.monotonic()
    finally:
        connection.close()
