"""Target groups as Envoy clusters and their endpoints.

Clusters and endpoints are apart because a changed cluster starts its counters and its checks anew, while
endpoints come and go without a trace: registering a target must only ever change the endpoints.
"""

from collections.abc import Callable
from typing import Any

from infra.embedded.aws.views import HealthCheck, Target, TargetGroup, TargetState
from infra.embedded.balancer.resources import (
    METADATA,
    Json,
    cluster_name,
    file_source,
    seconds,
    set_header,
    socket_address,
    typed,
)

Locate = Callable[[str], str | None]
"""Address of a target's id, or None while it has none."""

HEALTH_LOG = "health.log"
LIVE = "live"

_CONNECT_TIMEOUT = 10
_ANY_STATUS = (100, 600)
_CIRCUITS = 1_000_000  # a load balancer has no such limit
_RETRIES = 1024  # the default of 3 drops retries silently under load


def cluster(group: TargetGroup) -> Json:
    """How to reach and check a target group's targets, whoever they are."""
    name = cluster_name(group)
    resource: Json = {
        "name": name,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": file_source(endpoints_file(name)), "service_name": name},
        "connect_timeout": seconds(_CONNECT_TIMEOUT),
        "load_balancing_policy": {"policies": [{"typed_extension_config": _policy(group)}]},
        "common_lb_config": {
            # With no healthy target left all get requests, as the load balancer of AWS does.
            "healthy_panic_threshold": {"value": 1},
            # Changes of health and draining hold at once; else they may wait for others, up to a second.
            "update_merge_window": "0s",
        },
        "ignore_health_on_host_removal": True,
        "circuit_breakers": {"thresholds": [_thresholds()]},
        "typed_extension_protocol_options": {_PROTOCOL: _protocol_options()},
        "metadata": {"filter_metadata": {METADATA: {"target_group": group.arn}}},
    }
    if group.health_check.enabled:
        resource["health_checks"] = [_health_check(group.health_check)]
    resource["outlier_detection"] = _OUTLIERS if group.algorithm == "weighted_random" else _UNREACHABLE
    if group.protocol == "HTTPS":
        resource["transport_socket"] = _UPSTREAM_TLS
    return resource


def endpoints(group: TargetGroup, locate: Locate) -> Json:
    """The targets of a group that have an address; those that drain get no new request."""
    hosts = {
        (address, target.port): _endpoint(group.health_check, target, address)
        for target in group.targets
        if (address := locate(target.id))
    }
    return {
        "cluster_name": cluster_name(group),
        "endpoints": [{"lb_endpoints": [hosts[key] for key in sorted(hosts)]}],
    }


def unsupported(group: TargetGroup) -> str | None:
    """What of a group can't be done, in words; None if all of it can."""
    check = group.health_check
    if check.enabled and check.protocol != group.protocol:
        return (
            f"target group {group.name} gets {group.protocol} but wants its checks in {check.protocol}: "
            f"they are made with {group.protocol}; use one protocol for both"
        )
    return None


def endpoints_file(cluster: str) -> str:
    """Where the endpoints of a cluster are."""
    return f"eds/{cluster}.json"


def live_targets() -> Json:
    """Metadata that tells targets that take requests from those that drain."""
    return {"filter_metadata": {"envoy.lb": {LIVE: True}}}


def status_ranges(matcher: str) -> list[tuple[int, int]]:
    """Ranges (end excluded) of a matcher such as 200, 200-299 or 200,301."""
    ranges = []
    for part in matcher.split(","):
        first, _, last = part.strip().partition("-")
        ranges.append((int(first), int(last or first) + 1))
    return sorted(ranges)


def _endpoint(check: HealthCheck, target: Target, address: str) -> Json:
    port = check.port or target.port
    endpoint: Json = {
        "address": socket_address(address, target.port),
        "health_check_config": {"hostname": f"{address}:{port}"},
    }
    if check.port:
        endpoint["health_check_config"]["port_value"] = check.port
    if target.state is TargetState.DRAINING:
        return {"endpoint": endpoint, "health_status": "DRAINING"}
    return {"endpoint": endpoint, "metadata": live_targets()}


def _policy(group: TargetGroup) -> Json:
    """The algorithm, over the targets that aren't draining.

    A health status of draining isn't enough: when no target is healthy, Envoy would send to those too.
    Removing the target would do, but its open requests could no longer be counted.
    """
    return _extension(
        "subset.v3.Subset",
        subset_selectors=[{"keys": [LIVE]}],
        fallback_policy="NO_FALLBACK",
        subset_lb_policy={"policies": [{"typed_extension_config": _algorithm(group)}]},
    )


def _algorithm(group: TargetGroup) -> Json:
    slow: Json = (
        {"slow_start_config": {"slow_start_window": seconds(group.slow_start)}} if group.slow_start else {}
    )
    match group.algorithm:
        case "least_outstanding_requests":  # an exact search for the least busy, because groups are small
            return _extension("least_request.v3.LeastRequest", selection_method="FULL_SCAN", **slow)
        case "weighted_random":
            return _extension("random.v3.Random")
        case _:
            return _extension("round_robin.v3.RoundRobin", **slow)


def _extension(kind: str, **fields: Any) -> Json:
    return {
        "name": f"envoy.load_balancing_policies.{kind.partition('.')[0]}",
        "typed_config": typed(f"envoy.extensions.load_balancing_policies.{kind}", **fields),
    }


def _thresholds() -> Json:
    return {
        "max_connections": _CIRCUITS,
        "max_pending_requests": _CIRCUITS,
        "max_requests": _CIRCUITS,
        "max_retries": _RETRIES,
    }


def _health_check(check: HealthCheck) -> Json:
    expected = status_ranges(check.matcher)
    return {
        "interval": seconds(check.interval),
        "timeout": seconds(check.timeout),
        # Otherwise a group without traffic is only checked once a minute.
        "no_traffic_interval": seconds(check.interval),
        "healthy_threshold": check.healthy_threshold,
        "unhealthy_threshold": check.unhealthy_threshold,
        "reuse_connection": False,
        "always_log_health_check_failures": True,
        "event_logger": [_EVENT_LOGGER],
        "http_health_check": {
            "path": check.path,
            "expected_statuses": [{"start": start, "end": end} for start, end in expected],
            # A status in neither list is unhealthy at once, whatever the threshold.
            "retriable_statuses": [{"start": _ANY_STATUS[0], "end": _ANY_STATUS[1]}],
            "request_headers_to_add": [set_header("user-agent", "ELB-HealthChecker/2.0")],
        },
    }


_PROTOCOL = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def _protocol_options() -> Json:
    """One request a connection: some servers close it after a stream although they promised to keep it."""
    return typed(
        _PROTOCOL,
        common_http_protocol_options={"max_requests_per_connection": 1, "idle_timeout": "60s"},
        explicit_http_config={"http_protocol_options": {}},
    )


_EVENT_LOGGER = {
    "name": "envoy.health_check.event_sinks.file",
    "typed_config": typed(
        "envoy.extensions.health_check.event_sinks.file.v3.HealthCheckEventFileSink",
        event_log_path=HEALTH_LOG,
    ),
}
_OUTLIERS = {
    "consecutive_5xx": 5,
    "interval": "1s",
    "base_ejection_time": "10s",
    "max_ejection_percent": 50,
    # The checked path can be well while the served one isn't.
    "successful_active_health_check_uneject_host": False,
}
_UNREACHABLE = {
    # A refused connection, never an answer: the request is tried again elsewhere, and the least busy target
    # would be this very one.
    "split_external_local_origin_errors": True,
    "consecutive_local_origin_failure": 1,
    "enforcing_consecutive_local_origin_failure": 100,
    "enforcing_consecutive_5xx": 0,
    "enforcing_consecutive_gateway_failure": 0,
    "enforcing_success_rate": 0,
    "enforcing_local_origin_success_rate": 0,
    "interval": "1s",
    "base_ejection_time": "1s",
    "max_ejection_time": "5s",
    "max_ejection_percent": 90,
}
_UPSTREAM_TLS = {
    "name": "envoy.transport_sockets.tls",
    # The load balancer of AWS doesn't verify its targets' certificates either.
    "typed_config": typed("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"),
}
