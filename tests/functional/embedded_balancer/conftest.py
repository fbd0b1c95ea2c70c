"""A real Envoy in front of small local servers, with a fake account that tells it what to serve."""

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.embedded.addresses import Addresses
from infra.embedded.aws.views import LoadBalancer, Rule, Target, TargetGroup, TargetState
from infra.embedded.balancer.balancer import Balancer
from tests.fakes.load_balancing import FakeCloud, balancer, forward, listener, rules, target
from tests.functional.embedded_balancer.server import TargetServer

_DEADLINE_SECONDS = 20


class Site:
    """One balancer, its account and its targets. Use it from the test's own thread."""

    def __init__(self, directory: Path, addresses: Addresses) -> None:
        self.directory = directory
        self.addresses = addresses
        self.cloud = FakeCloud()
        self.servers: dict[str, TargetServer] = {}
        self.balancer = Balancer(directory, self._address, addresses.allocate, self.cloud)
        self.balancer.start()
        self.port = free_port(addresses.allocate("probe"))
        self.ahead = 0.0
        """Seconds by which the balancer's clock is ahead of ours."""

    def _address(self, instance_id: str) -> str | None:
        server = self.servers.get(instance_id)
        return server.address if server else None

    def server(self, name: str) -> TargetServer:
        """Start a target's server on an address of its own; `name` is its instance id."""
        self.servers[name] = TargetServer(name, self.addresses.allocate(name))
        return self.servers[name]

    def target(self, name: str, state: TargetState = TargetState.INITIAL) -> Target:
        """A registered target at the server of this name."""
        return target(name, state, self.servers[name].port)

    def serve(self, of: tuple[Rule, ...], *groups: TargetGroup) -> None:
        """Let the account hold one load balancer with these rules, and apply it."""
        self.serve_all(balancer([listener(self.port, of)], groups))

    def forward_to(self, group: TargetGroup) -> None:
        """Serve one group by default."""
        self.serve(rules(default=forward((group, 1))), group)

    def serve_all(self, *balancers: LoadBalancer) -> None:
        """Let the account hold these load balancers, and apply that."""
        self.cloud.balancers = balancers
        self.round()

    def round(self) -> None:
        """One round of the daemon's loop."""
        self.balancer.reconcile(time.monotonic() + self.ahead)

    def until(self, condition: Callable[[], object]) -> None:
        """Go round until something is so."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"never came true; {self.balancer.problems()}"
            time.sleep(0.05)
            self.round()

    def until_healthy(self, *names: str) -> None:
        """Go round until these targets are healthy."""
        self.until(lambda: all(self.cloud.state(name) is TargetState.HEALTHY for name in names))

    def until_status(self, status: int, path: str = "/") -> None:
        """Go round until the balancer answers with this status."""
        self.until(lambda: self.get(path).status == status)

    @property
    def address(self) -> str:
        """Where the (only) load balancer is."""
        return self.cloud.dns_names[self.cloud.balancers[0].arn]

    def connect(self) -> http.client.HTTPConnection:
        """A client's connection."""
        return http.client.HTTPConnection(self.address, self.port, timeout=10)

    def get(self, path: str = "/", headers: dict[str, str] | None = None) -> "Answer":
        """One request on a connection of its own; status 0 when nothing answers."""
        connection = self.connect()
        try:
            connection.request("GET", path, headers=headers or {})
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        except OSError:
            return Answer(0, {}, b"")
        finally:
            connection.close()

    def names(self, count: int, path: str = "/") -> list[str]:
        """Who answers a number of requests; the status instead where it isn't 200."""
        return [self.get(path).name for _ in range(count)]

    def stop(self) -> None:
        """End everything."""
        self.balancer.stop()
        for server in self.servers.values():
            server.stop()


class Answer:
    """What came back."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def name(self) -> str:
        """Who answered, or the status."""
        return self.json["name"] if self.status == 200 else str(self.status)

    @property
    def json(self) -> dict[str, str]:
        """The request as the target saw it."""
        request: dict[str, str] = json.loads(self.body)
        return request


def free_port(address: str) -> int:
    """A port that nobody has there now."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A balancer without load balancers."""
    addresses = Addresses.claim(str(tmp_path))
    one = Site(tmp_path / "balancer", addresses)
    yield one
    one.stop()
    addresses.release()
