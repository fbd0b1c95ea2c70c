"""Where requests go, and that none is lost on the way when that changes."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.embedded.aws.views import FixedResponse, Redirect, TargetGroup
from tests.fakes.load_balancing import forward, group, header, host, path, rules
from tests.functional.embedded_balancer.conftest import Site

pytestmark = pytest.mark.slow


def _two_groups(site: Site) -> tuple[TargetGroup, TargetGroup]:
    for name in ("i-blue", "i-green"):
        site.server(name)
    return group("blue", site.target("i-blue")), group("green", site.target("i-green"))


def _count(site: Site, requests: int) -> Counter[str]:
    """Who answers, asked over four connections that are kept."""

    def ask(count: int) -> Counter[str]:
        connection = site.connect()
        names: Counter[str] = Counter()
        for _ in range(count):
            connection.request("GET", "/")
            response = connection.getresponse()
            names[response.read().decode().split('"')[3]] += 1
        connection.close()
        return names

    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(ask, [requests // 4] * 4), Counter())


def test_split_follows_weights(site: Site) -> None:
    """A canary gets its percentage of the requests, within what chance allows once in 16,000 runs."""
    blue, green = _two_groups(site)
    site.serve(rules(default=forward((blue, 95), (green, 5))), blue, green)
    site.until_healthy("i-blue", "i-green")
    requests = 4000
    deviation = (requests * 0.05 * 0.95) ** 0.5
    assert abs(_count(site, requests)["i-green"] - requests * 0.05) <= 4 * deviation


def test_weight_changes_lose_no_request(site: Site) -> None:
    """Moving traffic between two releases under load fails nothing."""
    blue, green = _two_groups(site)
    site.serve(rules(default=forward((blue, 100), (green, 0))), blue, green)
    site.until_healthy("i-blue", "i-green")
    done = threading.Event()

    def load() -> Counter[str]:
        seen: Counter[str] = Counter()
        while not done.is_set():
            seen[site.get().name] += 1
        return seen

    with ThreadPoolExecutor(3) as pool:
        clients = [pool.submit(load) for _ in range(3)]
        try:
            for weight in (5, 25, 50, 75, 100, 50, 0, 100, 0, 100):
                site.serve(rules(default=forward((blue, 100 - weight), (green, weight))), blue, green)
                time.sleep(0.1)
        finally:
            done.set()
        seen = sum((client.result() for client in clients), Counter())
    assert set(seen) == {"i-blue", "i-green"}
    assert sum(seen.values()) > 200


def test_group_that_leaves_a_rule_loses_no_request(site: Site) -> None:
    """A rule may change from one group to another while requests come."""
    blue, green = _two_groups(site)
    site.serve(rules(default=forward((blue, 1), (green, 0))), blue, green)
    site.until_healthy("i-blue", "i-green")
    site.serve(rules(default=forward((green, 1))), green)
    names = [site.get().name for _ in range(100)]
    site.round()
    names += [site.get().name for _ in range(100)]
    assert set(names) <= {"i-blue", "i-green"}
    assert names[-1] == "i-green"


def test_rules_choose_by_path_host_and_header(site: Site) -> None:
    """The first rule by priority whose conditions all hold takes the request."""
    blue, green = _two_groups(site)
    conditions = (
        ((host("*.green.example"), path("/v1/*")), forward((green, 1))),
        ((path("/blue/*", "/b?ue"),), forward((blue, 1))),
        ((header("x-release", "green*"),), forward((green, 1))),
    )
    site.serve(rules(*conditions), blue, green)
    site.until_healthy("i-blue", "i-green")
    asked = {
        ("/v1/chat?a=b", "API.green.example:80"): "i-green",
        ("/v2/chat", "api.green.example"): "404",
        ("/v1/chat", "green.example"): "404",
        ("/blue/x", "any"): "i-blue",
        ("/blue/", "any"): "i-blue",
        ("/bXue", "any"): "i-blue",
        ("/blue", "any"): "i-blue",
        ("/Blue/x", "any"): "404",
        ("/bXXue", "any"): "404",
    }
    found = {(url, name): site.get(url, {"host": name}).name for url, name in asked}
    assert found == asked
    assert site.get("/", {"X-Release": "GREEN-2"}).name == "i-green"


def test_fixed_responses_and_redirects(site: Site) -> None:
    """The balancer answers by itself where a rule says so."""
    fixed = FixedResponse(status_code=418, content_type="application/json", body='{"tea": true}')
    to_https = Redirect(
        status_code=301, protocol="HTTPS", host="#{host}", port="443", path="/#{path}", query="#{query}"
    )
    moved = Redirect(
        status_code=302,
        protocol="#{protocol}",
        host="new.example",
        port="#{port}",
        path="/v2/#{path}",
        query="",
    )
    site.serve(rules(((path("/tea"),), fixed), ((path("/old/*"),), moved), default=to_https))
    site.until_status(418, "/tea")
    tea = site.get("/tea")
    assert (tea.headers["content-type"], tea.body) == ("application/json", b'{"tea": true}')
    secure = site.get("/a/b?c=d", {"host": "example.com"})
    assert (secure.status, secure.headers["location"]) == (301, "https://example.com:443/a/b?c=d")
    other = site.get("/old/x?c=d")
    assert (other.status, other.headers["location"]) == (302, f"http://new.example:{site.port}/v2/old/x")


def test_no_targets_and_no_weight_say_unavailable(site: Site) -> None:
    """Without anybody to ask the answer is 503; a target that breaks off makes it 502."""
    site.server("i-a")
    full, empty = group("full", site.target("i-a")), group("empty")
    conditions = (
        ((path("/empty"),), forward((empty, 1))),
        ((path("/zero"),), forward((full, 0), (empty, 0))),
    )
    site.serve(rules(*conditions, default=forward((full, 1))), full, empty)
    site.until_healthy("i-a")
    assert [site.get(url).status for url in ("/empty", "/zero", "/broken")] == [503, 503, 502]


def test_least_outstanding_requests_avoids_the_busy(site: Site) -> None:
    """A target in the middle of a long answer gets none of the short requests."""
    for name in ("i-a", "i-b"):
        site.server(name)
    both = group("both", site.target("i-a"), site.target("i-b"), algorithm="least_outstanding_requests")
    site.forward_to(both)
    site.until_healthy("i-a", "i-b")
    connection = site.connect()
    connection.request("GET", "/stream")
    response = connection.getresponse()
    busy = next(name for name, server in site.servers.items() if server.hits["/stream"])
    assert set(site.names(30)) == {"i-a", "i-b"} - {busy}
    site.servers[busy].finish_streams()
    assert response.read().endswith(b"end")
    connection.close()


@pytest.mark.parametrize("algorithm", ["round_robin", "weighted_random", "least_outstanding_requests"])
def test_every_algorithm_uses_all_targets(site: Site, algorithm: str) -> None:
    """Each of the three algorithms is accepted and spreads requests over the group."""
    for name in ("i-a", "i-b"):
        site.server(name)
    slow_start = 30 if algorithm == "round_robin" else 0
    both = group("both", site.target("i-a"), site.target("i-b"), algorithm=algorithm, slow_start=slow_start)
    site.forward_to(both)
    site.until_healthy("i-a", "i-b")
    assert set(site.names(40)) == {"i-a", "i-b"}


def test_streams_are_not_buffered_and_headers_tell_the_client(site: Site) -> None:
    """The first token arrives while the answer is still being made; the target learns who asked and how."""
    server = site.server("i-a")
    site.forward_to(group("one", site.target("i-a")))
    site.until_healthy("i-a")
    connection = site.connect()
    connection.request("GET", "/stream")
    response = connection.getresponse()
    assert response.read(6) == b"token "
    server.finish_streams()
    assert response.read().endswith(b"end")
    connection.close()
    seen = site.get("/x?q=1", {"X-Forwarded-For": "203.0.113.9", "host": "example.com"}).json
    assert seen["path"] == "/x?q=1"
    assert seen["host"] == "example.com"
    assert seen["x-forwarded-for"] == "203.0.113.9,127.0.0.1"
    assert (seen["x-forwarded-proto"], seen["x-forwarded-port"]) == ("http", str(site.port))
    assert not [name for name in seen if name.startswith("x-envoy")]


def test_a_dead_target_costs_no_new_request(site: Site) -> None:
    """Until its health check finds it dead, what it refuses goes to another, however idle it looks."""
    for name in ("i-one", "i-two", "i-three"):
        site.server(name)
    targets = [site.target(name) for name in ("i-one", "i-two", "i-three")]
    site.forward_to(group("all", *targets, algorithm="least_outstanding_requests"))
    site.until_healthy("i-one", "i-two", "i-three")
    streams = [site.connect() for _ in range(3)]
    for stream in streams:  # one each: so the dead one becomes the least busy
        stream.request("GET", "/stream")
        stream.getresponse()
    site.servers["i-one"].stop()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: site.get().name, range(200))) == {"i-two", "i-three"}
    for name in ("i-two", "i-three"):
        site.servers[name].finish_streams()
    for stream in streams:
        stream.close()
