"""Envoy's view of its hosts in the words of DescribeTargetHealth, and what the account is told of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.embedded.aws.health import REGISTERING, Health, TargetState
from infra.embedded.balancer.feedback import Feedback
from infra.embedded.balancer.health import (
    CHECKING,
    HEALTHY,
    NO_ANSWER,
    NOT_RUNNING,
    TIMED_OUT,
    Checks,
    HealthLog,
    Host,
    after,
    hosts,
    target_health,
)
from infra.embedded.balancer.resources import cluster_name
from tests.fakes.load_balancing import FakeCloud, balancer, check, group, target

_FAILING = Host(failing=True)
_MISMATCH = Health(
    state=TargetState.UNHEALTHY,
    reason="Target.ResponseCodeMismatch",
    description="Health checks failed with these codes: [503]",
)
_GROUP = group("one", target("i-1"))
_KEY = (cluster_name(_GROUP), "127.1.0.1", 8000)


def _failure(kind: str, status: int = 0, *, first: bool = False) -> dict[str, Any]:
    event = {"failure_type": kind, "first_check": first, "http_status_code": status}
    return {**_place(), "health_check_failure_event": event}


def _place() -> dict[str, Any]:
    return {"cluster_name": _KEY[0], "host": {"socket_address": {"address": _KEY[1], "port_value": _KEY[2]}}}


def _clusters(*, active: int = 0, connections: int = 0, **flags: object) -> dict[str, Any]:
    status = {
        "address": {"socket_address": {"address": _KEY[1], "port_value": _KEY[2]}},
        "stats": [
            {"name": "cx_active", "type": "GAUGE", **({"value": str(connections)} if connections else {})},
            {"name": "rq_active", "type": "GAUGE", **({"value": str(active)} if active else {})},
        ],
        "health_status": {"eds_health_status": "HEALTHY", **flags},
    }
    return {"cluster_statuses": [{"name": _KEY[0], "host_statuses": [status]}, {"name": "empty"}]}


@pytest.mark.parametrize(
    ("clusters", "expected"),
    [
        (_clusters(), Host()),
        (
            _clusters(failed_active_health_check=True, pending_active_hc=True),
            Host(failing=True, unchecked=True),
        ),
        (_clusters(failed_outlier_check=True), Host()),
        (_clusters(eds_health_status="DRAINING", active=2), Host(draining=True, busy=True)),
        (_clusters(eds_health_status="DRAINING", connections=1), Host(draining=True, busy=True)),
    ],
)
def test_hosts(clusters: dict[str, Any], expected: Host) -> None:
    """Flags and counters of a host; ejection as an outlier isn't ill health in AWS's eyes."""
    assert hosts(clusters) == {_KEY: expected}


@pytest.mark.parametrize(
    ("host", "checks", "expected"),
    [
        (None, None, REGISTERING),
        (Host(), None, HEALTHY),
        (Host(failing=True, unchecked=True), None, CHECKING),
        (_FAILING, None, CHECKING),
        (_FAILING, Checks(failures=1, kind="NETWORK"), CHECKING),
        (_FAILING, Checks(failures=2, kind="NETWORK"), NO_ANSWER),
        (_FAILING, Checks(failures=2, kind="NETWORK_TIMEOUT"), TIMED_OUT),
        (_FAILING, Checks(failures=2, kind="ACTIVE", status=503), _MISMATCH),
        (_FAILING, Checks(failures=2, kind="ACTIVE"), NO_ANSWER),
        (_FAILING, Checks(failures=0, kind="NETWORK", was_healthy=True), NO_ANSWER),
    ],
)
def test_states(host: Host | None, checks: Checks | None, expected: Health) -> None:
    """A target is initial until it was healthy or failed as often as the threshold says, then what it is."""
    assert target_health(check(), TargetState.INITIAL, host, checks, has_address=True) == expected


@pytest.mark.parametrize(
    ("now", "expected"), [(TargetState.INITIAL, REGISTERING), (TargetState.HEALTHY, NOT_RUNNING)]
)
def test_without_address(now: TargetState, expected: Health) -> None:
    """An instance without address is still starting, or not running any more."""
    assert target_health(check(), now, None, None, has_address=False) == expected


def test_checks_are_counted_since_the_first() -> None:
    """Failures add up until a pass; a host that is checked for the first time starts anew."""
    checks = Checks(was_healthy=True, failures=7)
    checks = after(_failure("ACTIVE", 503, first=True), checks)
    assert checks == Checks(failures=1, kind="ACTIVE", status=503)
    checks = after(_failure("NETWORK_TIMEOUT"), checks)
    assert checks == Checks(failures=2, kind="NETWORK_TIMEOUT")
    checks = after({**_place(), "add_healthy_event": {"first_check": False}}, checks)
    assert checks == Checks(was_healthy=True)
    checks = after({**_place(), "eject_unhealthy_event": {"failure_type": "NETWORK"}}, checks)
    assert checks == Checks(was_healthy=True, kind="NETWORK")
    assert after({**_place(), "degraded_healthy_host": {}}, checks) == checks


def test_log_is_read_line_by_line_and_may_be_put_aside(tmp_path: Path) -> None:
    """Half a line waits for its other half; a shorter file is a new one; unknown hosts are forgotten."""
    path = tmp_path / "health.log"
    log = HealthLog(path)
    log.read()
    text = json.dumps(_failure("ACTIVE", 500)) + "\n"
    path.write_text(text + text + text[:9])
    log.read()
    log.read()
    assert log.checks == {_KEY: Checks(failures=2, kind="ACTIVE", status=500)}
    path.write_text(text)
    log.read()
    assert log.checks[_KEY].failures == 3
    log.keep([])
    assert log.checks == {}


def _feedback(cloud: FakeCloud, tmp_path: Path) -> Feedback:
    return Feedback(cloud, tmp_path / "health.log", {"i-1": "127.1.0.1"}.get)


def test_health_is_told_when_it_changes_and_after_a_new_registration(tmp_path: Path) -> None:
    """The account is told nothing twice, unless it forgot because the target was registered anew."""
    cloud = FakeCloud((balancer([], [_GROUP]),))
    feedback = _feedback(cloud, tmp_path)
    feedback.report(cloud.load_balancers(), _clusters())
    assert cloud.health == {"i-1": HEALTHY}
    told = cloud.health.copy()
    cloud.health["i-1"] = Health(state=TargetState.HEALTHY, reason="kept")
    feedback.report(cloud.load_balancers(), _clusters())
    assert cloud.health["i-1"].reason == "kept"
    cloud.health.clear()
    feedback.report(cloud.load_balancers(), _clusters())
    assert cloud.health == told


@pytest.mark.parametrize(
    ("clusters", "gone"),
    [
        (_clusters(eds_health_status="DRAINING"), True),
        (_clusters(eds_health_status="DRAINING", active=1), False),
        (_clusters(), False),
        ({}, False),
    ],
)
def test_drained_only_when_idle_and_known_to_drain(
    clusters: dict[str, Any], gone: bool, tmp_path: Path
) -> None:
    """A target has drained once Envoy surely chooses it no more and none of its requests is left."""
    cloud = FakeCloud((balancer([], [group("one", target("i-1", TargetState.DRAINING))]),))
    feedback = _feedback(cloud, tmp_path)
    feedback.report(cloud.load_balancers(), clusters)
    assert cloud.gone == []
    feedback.report(cloud.load_balancers(), clusters)
    assert (cloud.gone == ["i-1"]) is gone


def test_draining_target_without_address_is_gone(tmp_path: Path) -> None:
    """When its instance is dead there is nothing to wait for."""
    cloud = FakeCloud((balancer([], [group("one", target("i-9", TargetState.DRAINING))]),))
    feedback = _feedback(cloud, tmp_path)
    for _ in range(2):
        feedback.report(cloud.load_balancers(), {})
    assert cloud.gone == ["i-9"]
