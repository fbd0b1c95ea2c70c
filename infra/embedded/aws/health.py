"""Health of registered targets: written by whoever checks it, read by everybody else.

moto says that every registered target is healthy. Here a target is `initial` until the balancer has spoken,
and stays listed as `draining` after it was deregistered until the balancer is done with it or the delay is
over. Only states are kept here: who is registered is moto's business.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class TargetState(StrEnum):
    """States of DescribeTargetHealth."""

    INITIAL = "initial"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNUSED = "unused"
    DRAINING = "draining"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, kw_only=True)
class Health:
    """What DescribeTargetHealth says about one target."""

    state: TargetState
    reason: str | None = None
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class Draining:
    """A deregistered target that may still be finishing requests."""

    target_id: str
    port: int


REGISTERING = Health(
    state=TargetState.INITIAL,
    reason="Elb.RegistrationInProgress",
    description="Target registration is in progress",
)
UNUSED = Health(
    state=TargetState.UNUSED,
    reason="Target.NotInUse",
    description="Target group is not configured to receive traffic from the load balancer",
)
NOT_REGISTERED = Health(
    state=TargetState.UNUSED,
    reason="Target.NotRegistered",
    description="Target is not registered to the target group",
)
NOT_CHECKED = Health(
    state=TargetState.UNAVAILABLE,
    reason="Target.HealthCheckDisabled",
    description="Health checks are not enabled for this target group",
)
DEREGISTERING = Health(
    state=TargetState.DRAINING,
    reason="Target.DeregistrationInProgress",
    description="Target deregistration is in progress",
)

_Key = tuple[str, str, int]


class HealthStore:
    """Reported health and draining targets, by (target group ARN, target id, port)."""

    def __init__(self) -> None:
        self._reported: dict[_Key, Health] = {}
        self._draining: dict[_Key, float | None] = {}
        """Since when (epoch seconds); None until the next `expire` has looked at its clock."""

    def registered(self, group: str, target: str, port: int) -> None:
        """Forget what is known of a target that was registered (again): its checks start anew."""
        self._reported.pop((group, target, port), None)
        self._draining.pop((group, target, port), None)

    def deregistered(self, group: str, target: str, port: int) -> None:
        """Let a target drain from now on."""
        self._reported.pop((group, target, port), None)
        self._draining.setdefault((group, target, port), None)

    def report(self, group: str, target: str, port: int, health: Health) -> None:
        """Record what the balancer found. A target that drains goes on draining."""
        if (group, target, port) not in self._draining:
            self._reported[(group, target, port)] = health

    def health(self, group: str, target: str, port: int) -> Health:
        """Tell the health of a registered target of a group that is in use."""
        return self._reported.get((group, target, port), REGISTERING)

    def draining(self, group: str) -> tuple[Draining, ...]:
        """List the group's targets that still drain."""
        return tuple(
            Draining(target_id=target, port=port) for arn, target, port in self._draining if arn == group
        )

    def is_draining(self, target: str, groups: Iterable[str]) -> bool:
        """Tell whether a target still drains in any of the groups."""
        wanted = set(groups)
        return any(arn in wanted and name == target for arn, name, _ in self._draining)

    def drained(self, group: str, target: str, port: int) -> None:
        """Drop a target that has no request left, or no time."""
        self._draining.pop((group, target, port), None)

    def expire(self, now: float, delays: Mapping[str, int]) -> None:
        """Drop the targets whose group's deregistration delay (seconds) is over, or whose group is gone."""
        for key, since in list(self._draining.items()):
            delay = delays.get(key[0])
            if delay is None or (since is not None and now - since >= delay):
                del self._draining[key]
            elif since is None:
                self._draining[key] = now

    def forget(self, group: str) -> None:
        """Drop all that is known of a deleted group."""
        for key in [key for key in self._reported if key[0] == group]:
            del self._reported[key]
        for key in [key for key in self._draining if key[0] == group]:
            del self._draining[key]

    def clear(self) -> None:
        """Forget everything."""
        self._reported.clear()
        self._draining.clear()


STORE = HealthStore()
