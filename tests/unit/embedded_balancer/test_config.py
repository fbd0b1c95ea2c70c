"""Views as Envoy resources: what each setting of AWS becomes, and what must not change when another does."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from infra.embedded.aws.health import TargetState
from infra.embedded.aws.views import Action, FixedResponse, LoadBalancer, Redirect, Rule, TargetGroup
from infra.embedded.balancer import routes
from infra.embedded.balancer.clusters import cluster, endpoints, status_ranges, unsupported
from infra.embedded.balancer.config import Configuration, Served, bootstrap, configuration
from tests.fakes.load_balancing import (
    balancer,
    check,
    forward,
    group,
    header,
    host,
    listener,
    path,
    rules,
    target,
)

_UNAVAILABLE = {"direct_response": {"status": 503}}


def _address(target_id: str) -> str | None:
    return {"i-1": "127.1.0.1", "i-2": "127.1.0.2"}.get(target_id)


def _configure(*balancers: LoadBalancer) -> Configuration:
    served = [
        Served(balancer=one, listener=each, address="127.1.0.9")
        for one in balancers
        for each in one.listeners
    ]
    return configuration(balancers, served, _address)


def _routes(of: tuple[Rule, ...], *groups: TargetGroup) -> list[dict[str, Any]]:
    config = _configure(balancer([listener(8080, of)], groups))
    (resource,) = config.routes.values()
    routes: list[dict[str, Any]] = resource["virtual_hosts"][0]["routes"]
    return routes


def _action(action: Action, *groups: TargetGroup) -> dict[str, Any]:
    (route,) = _routes(rules(default=action), *groups)
    return {key: value for key, value in route.items() if key != "match"}


def _leaf(document: Any, key: str) -> Any:
    """The first value of a key, anywhere in a document."""
    if isinstance(document, list):
        document = dict(enumerate(document))
    if not isinstance(document, dict):
        return None
    if key in document:
        return document[key]
    return next((found for value in document.values() if (found := _leaf(value, key)) is not None), None)


@pytest.mark.parametrize(
    ("wildcards", "matching", "other"),
    [
        ("/chat/*", ["/chat/", "/chat/v1/x"], ["/chat", "/Chat/v1", "/x/chat/"]),
        ("*.png", ["/a.png", ".png"], ["/a.pngx", "/apng"]),
        ("/v?", ["/v1", "/v."], ["/v", "/v12"]),
        ("/a+b(c)", ["/a+b(c)"], ["/aab(c)", "/a+bc"]),
        ("*", ["", "/anything"], []),
    ],
)
def test_wildcards(wildcards: str, matching: list[str], other: list[str]) -> None:
    """Only * and ? are special in AWS's patterns; all else stands for itself."""
    regex = re.compile(routes.pattern(wildcards))
    assert all(regex.fullmatch(text) for text in matching)
    assert not any(regex.fullmatch(text) for text in other)


def test_conditions_must_all_hold_and_any_value_will_do() -> None:
    """Path, host and header conditions become one match, each with its alternatives."""
    conditions = (path("/a", "/b/*"), host("*.example.com"), header("X-Tier", "gold", "silver"))
    found = _routes(rules((conditions, FixedResponse(status_code=200, content_type=None, body=""))))[0][
        "match"
    ]
    assert found["safe_regex"]["regex"] == "/a|/b/.*"
    patterns = {one["name"]: one["string_match"]["safe_regex"]["regex"] for one in found["headers"]}
    assert set(patterns) == {":authority", "X-Tier"}
    assert re.fullmatch(patterns[":authority"], "CHAT.example.com:8080")
    assert not re.fullmatch(patterns[":authority"], "example.org")
    assert re.fullmatch(patterns["X-Tier"], "Silver")
    assert not re.fullmatch(patterns["X-Tier"], "silver-plated")


def test_rules_keep_their_order_and_the_default_matches_all() -> None:
    """Routes come in the order of the rules, since Envoy takes the first that matches."""
    one = group("one")
    found = _routes(rules(((path("/b"),), forward((one, 1))), ((path("/a"),), forward((one, 1)))), one)
    assert [route["match"] for route in found] == [
        {"safe_regex": {"regex": "/b"}},
        {"safe_regex": {"regex": "/a"}},
        {"prefix": "/"},
    ]


def test_forward_splits_by_weight_without_request_timeout() -> None:
    """Weights are carried over as they are; only connections that fail are tried again."""
    blue, green = group("blue"), group("green")
    route = _action(forward((blue, 95), (green, 5)), blue, green)["route"]
    found = {one["name"].rpartition("-")[0]: one["weight"] for one in route["weighted_clusters"]["clusters"]}
    assert found == {"blue": 95, "green": 5}
    assert route["timeout"] == "0s"
    assert route["retry_policy"]["retry_on"] == "connect-failure"


@pytest.mark.parametrize("weights", [(), (0,), (0, 0)])
def test_nobody_to_forward_to(weights: tuple[int, ...]) -> None:
    """Without any weight the answer is 503: Envoy would refuse the whole configuration."""
    groups = [group(f"g{number}") for number, _ in enumerate(weights)]
    assert _action(forward(*zip(groups, weights, strict=True)), *groups) == _UNAVAILABLE


def test_group_that_is_gone_is_left_out() -> None:
    """A rule that still names a deleted group sends to the others."""
    blue, green = group("blue"), group("green")
    route = _action(forward((blue, 50), (green, 50)), green)["route"]
    assert [one["name"].rpartition("-")[0] for one in route["weighted_clusters"]["clusters"]] == ["green"]


def test_group_in_many_rules_is_one_cluster() -> None:
    """A target group is one cluster, whoever uses it with whatever weight."""
    one = group("one")
    used = rules(((path("/a"),), forward((one, 1))), default=forward((one, 9)))
    config = _configure(balancer([listener(80, used), listener(81, used)], [one]))
    assert len(config.clusters) == len(config.endpoints) == 1
    assert len(config.routes) == len(config.listeners) == 2


def test_fixed_response() -> None:
    """Status, body and content type are the rule's."""
    found = _action(FixedResponse(status_code=404, content_type="text/html", body="<p>"))
    assert found["direct_response"] == {"status": 404, "body": {"inline_string": "<p>"}}
    assert found["response_headers_to_add"][0]["header"] == {"key": "content-type", "value": "text/html"}


_SAME = {
    "protocol": "#{protocol}",
    "host": "#{host}",
    "port": "#{port}",
    "path": "/#{path}",
    "query": "#{query}",
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"protocol": "HTTPS", "port": "443"}, {"scheme_redirect": "https", "port_redirect": 443}),
        ({"host": "new.example"}, {"host_redirect": "new.example", "port_redirect": 8080}),
        ({"query": ""}, {"strip_query": True}),
        ({"path": "/here"}, {"regex_rewrite": {"pattern": {"regex": "^.*$"}, "substitution": "/here"}}),
        (
            {"path": "/v2/#{path}"},
            {"regex_rewrite": {"pattern": {"regex": "^/(.*)$"}, "substitution": r"/v2/\1"}},
        ),
    ],
)
def test_redirect(changes: dict[str, str], expected: dict[str, Any]) -> None:
    """Each part of a redirect that is given replaces the request's; what isn't stays."""
    found = _action(Redirect(status_code=301, **{**_SAME, **changes}))["redirect"]
    unchanged = {"response_code": "MOVED_PERMANENTLY", "port_redirect": 8080, "strip_query": False}
    assert found == {**unchanged, **expected}


@pytest.mark.parametrize("changes", [{"host": "www.#{host}"}, {"query": "a=b"}])
def test_redirects_that_cannot_be_done_are_told(changes: dict[str, str]) -> None:
    """What Envoy can't do is answered with 501 and explained, never done differently."""
    action = Redirect(status_code=302, **{**_SAME, **changes})
    (rule,) = rules(default=action)
    assert "501" in (routes.unsupported(rule) or "")
    assert _action(action) == {"direct_response": {"status": 501}}


@pytest.mark.parametrize(
    ("algorithm", "policy"),
    [
        ("round_robin", "round_robin"),
        ("least_outstanding_requests", "least_request"),
        ("weighted_random", "random"),
    ],
)
def test_algorithms(algorithm: str, policy: str) -> None:
    """Each has its policy, inside the one that keeps draining targets out; one alone minds bad answers."""
    found = cluster(group("one", algorithm=algorithm))
    outer = found["load_balancing_policy"]["policies"][0]["typed_extension_config"]
    inner = outer["typed_config"]["subset_lb_policy"]["policies"][0]["typed_extension_config"]
    assert (outer["name"], inner["name"]) == (
        "envoy.load_balancing_policies.subset",
        f"envoy.load_balancing_policies.{policy}",
    )
    answers_count = found["outlier_detection"].get("enforcing_consecutive_5xx") != 0
    assert answers_count is (algorithm == "weighted_random")


def test_slow_start() -> None:
    """A group's slow start is the policy's window; without one there is none."""
    assert _leaf(cluster(group("one", slow_start=30)), "slow_start_window") == "30s"
    assert _leaf(cluster(group("one")), "slow_start_config") is None


def test_health_check() -> None:
    """Pace, thresholds, path and codes are the group's, also while there is no traffic."""
    found = cluster(
        group(
            "one",
            health_check=check(interval=7, timeout=3, healthy_threshold=5, path="/ok", matcher="200,301"),
        )
    )["health_checks"][0]
    assert (found["interval"], found["no_traffic_interval"], found["timeout"]) == ("7s", "7s", "3s")
    assert (found["healthy_threshold"], found["unhealthy_threshold"]) == (5, 2)
    assert found["http_health_check"]["path"] == "/ok"
    assert found["http_health_check"]["expected_statuses"] == [
        {"start": 200, "end": 201},
        {"start": 301, "end": 302},
    ]


def test_fails_open_and_does_not_wait_with_changes() -> None:
    """All targets serve when none is healthy, and a change of health is not held back."""
    found = cluster(group("one"))["common_lb_config"]
    assert found == {"healthy_panic_threshold": {"value": 1}, "update_merge_window": "0s"}


def test_group_without_checks_and_group_with_tls() -> None:
    """Checks can be off; a group that receives HTTPS is reached with TLS."""
    found = cluster(group("one", protocol="HTTPS", health_check=check(enabled=False)))
    assert "health_checks" not in found
    assert found["transport_socket"]["name"] == "envoy.transport_sockets.tls"


def test_checks_in_another_protocol_are_told() -> None:
    """Envoy checks with the protocol of the traffic; wanting another is a problem, not a surprise."""
    assert unsupported(group("one")) is None
    assert "HTTPS" in (unsupported(group("one", health_check=check(protocol="HTTPS"))) or "")


@pytest.mark.parametrize(
    ("matcher", "ranges"),
    [
        ("200", [(200, 201)]),
        ("200-299", [(200, 300)]),
        ("404, 200,301-302", [(200, 201), (301, 303), (404, 405)]),
    ],
)
def test_matchers(matcher: str, ranges: list[tuple[int, int]]) -> None:
    """Codes, lists and ranges, as AWS writes them."""
    assert status_ranges(matcher) == ranges


def test_endpoints() -> None:
    """Targets with an address are there; those that drain are marked and out of the live ones."""
    one = group(
        "one",
        target("i-2"),
        target("i-1", TargetState.DRAINING),
        target("i-3"),
        health_check=check(port=9000),
    )
    leaving, staying = endpoints(one, _address)["endpoints"][0]["lb_endpoints"]
    assert _leaf(leaving, "address") == {"socket_address": {"address": "127.1.0.1", "port_value": 8000}}
    assert (leaving["health_status"], "metadata" in leaving) == ("DRAINING", False)
    assert staying["metadata"] == {"filter_metadata": {"envoy.lb": {"live": True}}}
    assert _leaf(staying, "health_check_config") == {"hostname": "127.1.0.2:9000", "port_value": 9000}


def test_listener_has_timeouts_and_headers_of_its_balancer() -> None:
    """The idle timeout is the only one, and X-Forwarded-Port is the listener's."""
    config = _configure(balancer([listener(8080, rules())], idle_timeout=4000))
    (found,), (routes_,) = config.listeners.values(), config.routes.values()
    assert _leaf(found, "stream_idle_timeout") == "4000s"
    assert _leaf(found, "address") == {"socket_address": {"address": "127.1.0.9", "port_value": 8080}}
    assert routes_["request_headers_to_add"][0]["header"] == {"key": "x-forwarded-port", "value": "8080"}


def test_moving_traffic_touches_nothing_else() -> None:
    """Weights change only routes and targets only endpoints: all else would lose counters or connections."""
    blue, green = group("blue", target("i-1")), group("green")
    before = _configure(
        balancer([listener(80, rules(default=forward((blue, 100), (green, 0))))], [blue, green])
    )
    moved = _configure(
        balancer([listener(80, rules(default=forward((blue, 5), (green, 95))))], [blue, green])
    )
    assert (moved.listeners, moved.clusters, moved.endpoints) == (
        before.listeners,
        before.clusters,
        before.endpoints,
    )
    more = replace(green, targets=(target("i-2"),))
    grown = _configure(
        balancer([listener(80, rules(default=forward((blue, 100), (green, 0))))], [blue, more])
    )
    assert (grown.listeners, grown.clusters, grown.routes) == (
        before.listeners,
        before.clusters,
        before.routes,
    )


def test_files_are_stable_and_in_the_order_of_need() -> None:
    """Equal views make equal bytes, and nothing is named before the file that has it."""
    blue, green = group("blue", target("i-1"), target("i-2")), group("green")
    of = rules(default=forward((blue, 1), (green, 1)))
    one = _configure(balancer([listener(80, of)], [blue, green])).files()
    turned = replace(blue, targets=blue.targets[::-1])
    two = _configure(balancer([listener(80, of)], [green, turned])).files()
    assert one == two
    kinds = [name.partition("/")[0] for name in one]
    assert kinds == ["eds", "eds", "cds.json", "rds", "lds.json"]
    assert all(json.loads(content)["resources"] for content in one.values())


def test_what_has_gone_stays_for_one_round_out_of_use() -> None:
    """A group that left its rule keeps its cluster until Envoy has surely read the new routes."""
    blue, green = group("blue"), group("green")
    first = _configure(balancer([listener(80, rules(default=forward((blue, 1))))], [blue]))
    second = _configure(balancer([listener(80, rules(default=forward((green, 1))))], [green]))
    assert set(second.following(first).clusters) == set(first.clusters) | set(second.clusters)
    assert second.following(first).routes == second.routes
    assert second.following(second) == second
    assert Configuration().following(first).listeners == {}


def test_names_tell_regions_apart() -> None:
    """Groups and load balancers of one name in two regions are different things."""
    one = group("one")
    two = replace(one, arn=one.arn.replace("us-east-1", "eu-west-1"), region="eu-west-1")
    config = _configure(
        balancer([listener(80, rules(default=forward((one, 1))))], [one]),
        balancer([listener(80, rules(default=forward((two, 1))))], [two], arn="arn:of:another"),
    )
    assert len(config.clusters) == len(config.listeners) == 2


def test_bootstrap_keeps_the_admin_interface_private() -> None:
    """The admin interface can stop Envoy and show keys: it is a socket for its owner only."""
    assert json.loads(bootstrap())["admin"]["address"] == {"pipe": {"path": "admin.sock", "mode": 0o600}}
