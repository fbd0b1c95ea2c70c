"""Tells the account what Envoy found out: the health of registered targets, and which have drained."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from infra.embedded.aws.health import Health
from infra.embedded.aws.views import LoadBalancer, Target, TargetGroup, TargetState
from infra.embedded.balancer.cloud import Cloud
from infra.embedded.balancer.clusters import Locate
from infra.embedded.balancer.health import HealthLog, Host, HostKey, hosts, target_health
from infra.embedded.balancer.resources import Json, cluster_name

_Identity = tuple[str, str, int]
"""A target: its group's ARN, its id and its port."""


class Feedback:
    """Remembers what it told, so that it only tells what changed."""

    def __init__(self, cloud: Cloud, health_log: Path, locate: Locate) -> None:
        self._cloud = cloud
        self._log = HealthLog(health_log)
        self._locate = locate
        self._told: dict[_Identity, Health] = {}
        self._idle: set[_Identity] = set()

    def report(self, balancers: Iterable[LoadBalancer], clusters: Json) -> None:
        """One round, with Envoy's `/clusters`."""
        seen = hosts(clusters)
        self._log.read()
        self._log.keep(seen)
        told: dict[_Identity, Health] = {}
        idle: set[_Identity] = set()
        for group, target in _targets(balancers):
            identity = (group.arn, target.id, target.port)
            key = self._key(group, target)
            host = seen.get(key) if key else None
            if target.state is TargetState.DRAINING:
                if _has_nothing_left(key, host):
                    idle.add(identity)
            else:
                told[identity] = self._tell(group, target, key, host)
        # Twice in a row: Envoy's worker learns a little later than its list of hosts that one is draining.
        for identity in idle & self._idle:
            self._cloud.drained(*identity)
        self._told, self._idle = told, idle

    def _key(self, group: TargetGroup, target: Target) -> HostKey | None:
        address = self._locate(target.id)
        return (cluster_name(group), address, target.port) if address else None

    def _tell(self, group: TargetGroup, target: Target, key: HostKey | None, host: Host | None) -> Health:
        checks = self._log.checks.get(key) if key else None
        found = target_health(group.health_check, target.state, host, checks, has_address=key is not None)
        identity = (group.arn, target.id, target.port)
        # The view's state differs too when the target was registered anew since.
        if found != self._told.get(identity) or found.state is not target.state:
            self._cloud.set_target_health(*identity, found)
        return found


def _has_nothing_left(key: HostKey | None, host: Host | None) -> bool:
    """Whether a draining target is gone, or has been seen draining without a request."""
    return key is None or (host is not None and host.draining and not host.busy)


def _targets(balancers: Iterable[LoadBalancer]) -> Iterator[tuple[TargetGroup, Target]]:
    groups = {group.arn: group for balancer in balancers for group in balancer.target_groups}
    return ((group, target) for group in groups.values() for target in group.targets)
