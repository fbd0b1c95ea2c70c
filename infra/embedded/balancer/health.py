"""What Envoy knows of its hosts, said in the words of DescribeTargetHealth.

Envoy tells the present in its list of clusters and the reasons in its log of health checks. A new target must
pass one check to be healthy, and is `initial` until it has, or has failed as many as the threshold says.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.embedded.aws.health import REGISTERING, Health, TargetState
from infra.embedded.aws.views import HealthCheck
from infra.embedded.balancer.resources import Json

HostKey = tuple[str, str, int]
"""Cluster, address and port."""

HEALTHY = Health(state=TargetState.HEALTHY)
CHECKING = Health(
    state=TargetState.INITIAL,
    reason="Elb.InitialHealthChecking",
    description="Initial health checks in progress",
)
NOT_RUNNING = Health(
    state=TargetState.UNUSED,
    reason="Target.InvalidState",
    description="Target is in the stopped state",
)
TIMED_OUT = Health(state=TargetState.UNHEALTHY, reason="Target.Timeout", description="Request timed out")
NO_ANSWER = Health(
    state=TargetState.UNHEALTHY, reason="Target.FailedHealthChecks", description="Health checks failed"
)


@dataclass(frozen=True, kw_only=True)
class Host:
    """A target as Envoy sees it now."""

    failing: bool = False
    unchecked: bool = False
    draining: bool = False
    busy: bool = False
    """Whether a request is being served or a connection made."""


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What the checks of a host came to since its first one."""

    was_healthy: bool = False
    failures: int = 0
    """In a row."""
    kind: str = ""
    """Envoy's kind of the last failure: ACTIVE (an answer), NETWORK or NETWORK_TIMEOUT."""
    status: int = 0
    """HTTP status of the last failure; 0: no answer."""


def hosts(clusters: Json) -> dict[HostKey, Host]:
    """All hosts in Envoy's `/clusters`."""
    return {
        (cluster["name"], address["address"], address["port_value"]): _host(status)
        for cluster in clusters.get("cluster_statuses", ())
        for status in cluster.get("host_statuses", ())
        if (address := status["address"].get("socket_address"))
    }


def _host(status: Json) -> Host:
    flags = status["health_status"]
    numbers = {stat["name"]: int(stat.get("value", 0)) for stat in status["stats"]}
    return Host(
        failing=flags.get("failed_active_health_check", False),
        unchecked=flags.get("pending_active_hc", False),
        draining=flags.get("eds_health_status") == "DRAINING",
        # A request that still waits for its connection isn't active yet.
        busy=numbers["rq_active"] + numbers["cx_active"] > 0,
    )


def target_health(
    check: HealthCheck, now: TargetState, host: Host | None, checks: Checks | None, *, has_address: bool
) -> Health:
    """State of a registered target that isn't draining; `now` is the state it has."""
    if not has_address:
        return REGISTERING if now is TargetState.INITIAL else NOT_RUNNING
    if host is None:
        return REGISTERING
    if not host.failing:
        return HEALTHY
    if host.unchecked or checks is None:
        return CHECKING
    if not checks.was_healthy and checks.failures < check.unhealthy_threshold:
        return CHECKING
    return _unhealthy(checks)


def _unhealthy(checks: Checks) -> Health:
    if checks.kind == "NETWORK_TIMEOUT":
        return TIMED_OUT
    if checks.kind == "ACTIVE" and checks.status:
        return Health(
            state=TargetState.UNHEALTHY,
            reason="Target.ResponseCodeMismatch",
            description=f"Health checks failed with these codes: [{checks.status}]",
        )
    return NO_ANSWER


def after(event: Json, before: Checks) -> Checks:
    """The checks of a host after another event of Envoy's health log."""
    if "add_healthy_event" in event:
        return Checks(was_healthy=True)
    failure = event.get("health_check_failure_event") or event.get("eject_unhealthy_event")
    if failure is None:
        return before
    if failure.get("first_check"):
        before = Checks()
    return Checks(
        was_healthy=before.was_healthy,
        failures=before.failures + ("health_check_failure_event" in event),
        kind=failure.get("failure_type", ""),
        status=failure.get("http_status_code", 0),
    )


class HealthLog:
    """Follows Envoy's health log, which may be put aside at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.checks: dict[HostKey, Checks] = {}

    def read(self) -> None:
        """Take in what was written since the last time."""
        for line in self._new_lines():
            event: Any = json.loads(line)
            address = event["host"]["socket_address"]
            key = (event["cluster_name"], address["address"], address["port_value"])
            self.checks[key] = after(event, self.checks.get(key, Checks()))

    def keep(self, known: Iterable[HostKey]) -> None:
        """Forget all other hosts."""
        wanted = set(known)
        self.checks = {key: checks for key, checks in self.checks.items() if key in wanted}

    def _new_lines(self) -> list[bytes]:
        try:
            with self._path.open("rb") as file:
                if file.seek(0, 2) < self._offset:
                    self._offset = 0
                file.seek(self._offset)
                complete, newline, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        self._offset += len(complete) + len(newline)
        return complete.splitlines()
