"""Elastic Load Balancing: target health that somebody has checked.

moto lists every registered target as healthy and forgets a deregistered one. Here the balancer reports health
with `set_target_health` and the end of draining with `drained`; in between `DescribeTargetHealth` says what
AWS would. What the balancer can't do (rules on source address, method or query; authentication) is refused.
"""

from collections.abc import Callable
from typing import Any

from moto.ec2.models import ec2_backends
from moto.elbv2 import models
from moto.elbv2.exceptions import TargetGroupNotFoundError
from moto.elbv2.models import ELBv2Backend, FakeHealthStatus, FakeTargetGroup, elbv2_backends

from infra.embedded import aws
from infra.embedded.aws import NotEmulatedError, health
from infra.embedded.aws.health import STORE, Health, TargetState
from infra.embedded.aws.patching import override, replace

CONDITIONS = frozenset({"host-header", "path-pattern", "http-header"})
ACTIONS = frozenset({"forward", "fixed-response", "redirect"})


class UnknownLoadBalancerError(LookupError):
    """There is no such load balancer."""


def install() -> None:
    """Put the fixes into moto."""
    override(models, "FakeTargetGroup", TargetGroup)
    override(ELBv2Backend, "describe_target_health", _describe_target_health)
    replace(ELBv2Backend, "delete_target_group", _forget_health)
    for name in ("create_rule", "modify_rule", "create_listener", "modify_listener"):
        replace(ELBv2Backend, name, _only_what_the_balancer_can)


def set_target_health(
    target_group_arn: str,
    target_id: str,
    port: int,
    state: TargetState,
    reason: str | None = None,
    description: str | None = None,
) -> None:
    """Report what the balancer found out about a registered target; `reason` as AWS names it."""
    with aws.lock:
        found = Health(state=state, reason=reason, description=description)
        STORE.report(target_group_arn, target_id, port, found)


def drained(target_group_arn: str, target_id: str, port: int) -> None:
    """Say that a deregistered target has no request left; it is no longer listed."""
    with aws.lock:
        STORE.drained(target_group_arn, target_id, port)


def set_dns_name(arn: str, name: str) -> None:
    """Set the address that clients reach a load balancer at. Raises UnknownLoadBalancerError."""
    with aws.lock:
        for regions in elbv2_backends.values():
            for backend in regions.values():
                if arn in backend.load_balancers:
                    backend.load_balancers[arn].dns_name = name
                    return
        raise UnknownLoadBalancerError(arn)


def expire_draining(now: float) -> None:
    """Drop draining targets whose deregistration delay is over at `now` (epoch seconds)."""
    delays = {
        group.arn: int(group.attributes["deregistration_delay.timeout_seconds"])
        for regions in elbv2_backends.values()
        for backend in regions.values()
        for group in backend.target_groups.values()
    }
    STORE.expire(now, delays)


class TargetGroup(FakeTargetGroup):  # type: ignore[misc]
    """A target group whose targets' health is what was reported."""

    def register(self, targets: list[dict[str, Any]]) -> None:
        """Register targets; their health starts as `initial`."""
        if self.target_type == "lambda":
            self.targets = {target["Id"]: {"Id": target["Id"], "Port": None} for target in targets}
            return
        super().register(targets)
        for target in targets:
            STORE.registered(self.arn, target["Id"], int(self.targets[target["Id"]]["Port"]))

    def deregister(self, targets: list[dict[str, Any]]) -> None:
        """Deregister targets, which then drain.

        moto forgets them at once, and refuses one that is not registered where AWS just succeeds.
        """
        for target in targets:
            known = self.targets.pop(target["Id"], None)
            if known and self.in_use and self.target_type != "lambda":
                STORE.deregistered(self.arn, known["Id"], int(known["Port"]))

    def deregister_terminated_instances(self, instance_ids: list[str]) -> None:
        """Drop dead instances: they have nothing to drain. moto lists them as draining for ever."""
        if self.target_type == "lambda":
            return
        for instance_id in instance_ids:
            known = self.targets.pop(instance_id, None)
            port = int(known["Port"]) if known else int(self.port)
            STORE.drained(self.arn, instance_id, port)

    @property
    def in_use(self) -> bool:
        """Whether a listener can send requests here."""
        return bool(elbv2_backends[self.account_id][self.region_name]._any_listener_using(self.arn))

    def target_health(self, target_id: str) -> Health:
        """Tell the health of a target, registered or not."""
        known = self.targets.get(target_id)
        if known is None:
            draining = any(entry.target_id == target_id for entry in STORE.draining(self.arn))
            return health.DEREGISTERING if draining else health.NOT_REGISTERED
        if self.target_type == "lambda":
            return health.NOT_CHECKED
        if not self.in_use:
            return health.UNUSED
        return STORE.health(self.arn, target_id, int(known["Port"]))

    def health_for(self, target: dict[str, Any], ec2_backend: Any) -> FakeHealthStatus:
        """Answer DescribeTargetHealth for one target; moto says healthy without a check."""
        found = self.target_health(target["Id"])
        known = self.targets.get(target["Id"], target)
        port = None if self.target_type == "lambda" else str(known.get("Port") or self.port)
        return FakeHealthStatus(
            target["Id"],
            port,
            self.health_check_port,
            found.state.value,
            found.reason,
            found.description,
        )


def _describe_target_health(
    self: Any, target_group_arn: str, targets: list[dict[str, Any]]
) -> list[FakeHealthStatus]:
    """Moto does not list draining targets."""
    group = self.target_groups.get(target_group_arn)
    if group is None:
        raise TargetGroupNotFoundError()
    if not targets:
        draining = [{"Id": entry.target_id, "Port": entry.port} for entry in STORE.draining(group.arn)]
        targets = [*group.targets.values(), *draining]
    return [group.health_for(target, ec2_backends[self.account_id][self.region_name]) for target in targets]


def _forget_health(original: Callable[..., FakeTargetGroup]) -> Callable[..., FakeTargetGroup]:
    def delete_target_group(self: Any, target_group_arn: str) -> FakeTargetGroup:
        group = original(self, target_group_arn)
        STORE.forget(target_group_arn)
        return group

    return delete_target_group


def _only_what_the_balancer_can(original: Callable[..., Any]) -> Callable[..., Any]:
    """Moto accepts conditions and actions that nothing here would carry out: better refused than ignored."""

    def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        for value in (*args, *kwargs.values()):
            for entry in value if isinstance(value, list) else ():
                _check(entry)
        return original(self, *args, **kwargs)

    return checked


def _check(entry: Any) -> None:
    if not isinstance(entry, dict):
        return
    if "Field" in entry and entry["Field"] not in CONDITIONS:
        raise NotEmulatedError(f"listener rule condition {entry['Field']}")
    if "Type" in entry and entry["Type"] not in ACTIONS:
        raise NotEmulatedError(f"listener action {entry['Type']}")
