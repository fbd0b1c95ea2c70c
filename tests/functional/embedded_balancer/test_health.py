"""Health that is checked, acted on and told; targets that come and go."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPResponse

import pytest

from infra.embedded.aws.health import TargetState
from infra.embedded.aws.views import TargetGroup
from tests.fakes.load_balancing import check, group
from tests.functional.embedded_balancer.conftest import Site

pytestmark = pytest.mark.slow


def _serve_two(site: Site, **changes: object) -> TargetGroup:
    for name in ("i-a", "i-b"):
        site.server(name)
    both = group("both", site.target("i-a"), site.target("i-b"), **changes)
    site.forward_to(both)
    site.until_healthy("i-a", "i-b")
    return both


@contextmanager
def _stream(site: Site) -> Iterator[HTTPResponse]:
    connection = site.connect()
    connection.request("GET", "/stream")
    try:
        yield connection.getresponse()
    finally:
        connection.close()


def test_ill_target_leaves_and_returns(site: Site) -> None:
    """A target whose checks fail gets no request until they pass again, and the account says why."""
    _serve_two(site)
    site.servers["i-a"].health = 500
    site.until(lambda: site.cloud.state("i-a") is TargetState.UNHEALTHY)
    told = site.cloud.health["i-a"]
    assert (told.reason, told.description) == (
        "Target.ResponseCodeMismatch",
        "Health checks failed with these codes: [500]",
    )
    assert set(site.names(10)) == {"i-b"}
    site.servers["i-a"].health = 200
    site.until_healthy("i-a")
    assert set(site.names(20)) == {"i-a", "i-b"}


def test_all_ill_means_all_serve(site: Site) -> None:
    """When every target fails its checks all of them get requests: better than none."""
    _serve_two(site)
    for server in site.servers.values():
        server.health = 500
    site.until(lambda: {site.cloud.state(name) for name in site.servers} == {TargetState.UNHEALTHY})
    assert set(site.names(20)) == {"i-a", "i-b"}


def test_silent_and_dead_targets_are_told_apart(site: Site) -> None:
    """A check without an answer is a timeout; one without a connection is a failure."""
    _serve_two(site)
    site.servers["i-a"].health = 0
    site.servers["i-b"].stop()
    site.until(lambda: {site.cloud.state(name) for name in site.servers} == {TargetState.UNHEALTHY})
    site.until(lambda: site.cloud.health["i-a"].reason == "Target.Timeout")
    assert site.cloud.health["i-b"].reason == "Target.FailedHealthChecks"


def test_new_target_is_initial_until_it_is_known(site: Site) -> None:
    """A target that isn't ready is `initial` until it failed often enough, and `healthy` after one pass."""
    site.server("i-a").health = 503
    site.forward_to(group("one", site.target("i-a"), health_check=check(unhealthy_threshold=3)))
    states: list[TargetState | None] = []

    def judged() -> bool:
        states.append(site.cloud.state("i-a"))
        return states[-1] is TargetState.UNHEALTHY

    site.until(judged)
    assert set(states[:-1]) <= {None, TargetState.INITIAL}
    assert site.servers["i-a"].hits["/health"] >= 3


def test_target_without_address_waits(site: Site) -> None:
    """A target whose instance has no address yet is registering; it serves once it has one."""
    site.server("i-a")
    one = group("one", site.target("i-a"))
    server = site.servers.pop("i-a")
    site.forward_to(one)
    site.until_status(503)
    assert site.cloud.state("i-a") in (None, TargetState.INITIAL)
    site.servers["i-a"] = server
    site.until_healthy("i-a")
    assert site.get().name == "i-a"


def test_matcher_and_check_port_are_obeyed(site: Site) -> None:
    """The codes and the port of the group's check decide, not those of its traffic."""
    site.server("i-a").health = 500
    # The checks of i-a go to the port of i-b, which is on the same address.
    site.servers["i-b"] = type(site.servers["i-a"])("i-b", site.servers["i-a"].address)
    site.servers["i-b"].health = 201
    checks = check(port=site.servers["i-b"].port, matcher="200-299,301")
    site.forward_to(group("one", site.target("i-a"), health_check=checks))
    site.until_healthy("i-a")
    assert site.get().name == "i-a"


def test_draining_target_finishes_its_stream(site: Site) -> None:
    """A deregistered target gets nothing new, ends what it has in full, and only then counts as drained."""
    both = _serve_two(site)
    with _stream(site) as response:
        leaving = next(name for name, server in site.servers.items() if server.hits["/stream"])
        staying = next(name for name in site.servers if name != leaving)
        targets = (site.target(leaving, TargetState.DRAINING), site.target(staying))
        site.forward_to(replace(both, targets=targets))
        site.until(lambda: set(site.names(10)) == {staying})
        for _ in range(10):
            site.round()
        assert site.cloud.gone == []
        site.servers[leaving].finish_streams()
        assert response.read().endswith(b"end")
    site.until(lambda: site.cloud.gone == [leaving])


def test_idle_draining_target_is_drained_at_once(site: Site) -> None:
    """A deregistered target without requests needn't wait for the deregistration delay."""
    both = _serve_two(site)
    targets = (site.target("i-a", TargetState.DRAINING), site.target("i-b"))
    site.forward_to(replace(both, targets=targets))
    site.until(lambda: site.cloud.gone == ["i-a"])
    assert set(site.names(10)) == {"i-b"}


def test_draining_target_is_no_last_resort(site: Site) -> None:
    """Even when all others are ill a draining target gets no new request."""
    site.server("i-a")
    one = group("one", site.target("i-a"))
    site.forward_to(one)
    site.until_healthy("i-a")
    with _stream(site) as response:
        site.server("i-b").health = 500
        targets = (site.target("i-a", TargetState.DRAINING), site.target("i-b"))
        site.forward_to(replace(one, targets=targets))
        site.until(lambda: set(site.names(10)) == {"i-b"})
        site.servers["i-a"].finish_streams()
        assert response.read().endswith(b"end")


def test_removed_target_finishes_its_stream(site: Site) -> None:
    """A target that vanishes from its group completes the answer it is giving."""
    both = _serve_two(site)
    with _stream(site) as response:
        leaving = next(name for name, server in site.servers.items() if server.hits["/stream"])
        staying = next(name for name in site.servers if name != leaving)
        site.forward_to(replace(both, targets=(site.target(staying),)))
        site.until(lambda: set(site.names(10)) == {staying})
        site.servers[leaving].finish_streams()
        assert response.read().endswith(b"end")
