"""The environment's load balancer: address, weights and target health, as domain types."""

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from infra.aws.listener_rule import rules, shares
from infra.aws.session import Session, translated
from infra.deploy.types import Health
from infra.environment import names
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from infra.observability.types import Sources

_STATES = {
    "initial": Health.INITIAL,
    "healthy": Health.HEALTHY,
    "unhealthy": Health.UNHEALTHY,
    "unhealthy.draining": Health.DRAINING,
    "unused": Health.UNUSED,
    "draining": Health.DRAINING,
    "unavailable": Health.INITIAL,
}


class AwsBalancer:
    """Implements `infra.deploy.ports.Balancer` with an application load balancer."""

    def __init__(self, session: Session, environment: Environment) -> None:
        self._elbv2 = session.elbv2
        self._environment = environment.environment
        self._name = names.balancer(environment.environment)
        self._slots = {
            names.target_group(environment.environment, model, slot): (model, slot)
            for model in environment.models
            for slot in Slot
        }

    def address(self) -> str | None:
        """Its DNS name, or None when it doesn't exist."""
        balancer = self._balancer()
        return balancer[1] if balancer else None

    @translated("reading the listener rules")
    def weights(self) -> Mapping[str, Mapping[Slot, int]]:
        """Weights of each model's slots, from the one rule of each that splits requests."""
        balancer = self._balancer()
        found: dict[str, dict[Slot, int]] = {}
        for weights in map(shares, rules(self._elbv2, balancer[0]) if balancer else ()):
            # A rule with one target group leads straight to it, whatever the weights of the model are.
            for name in weights.keys() & self._slots.keys() if len(weights) > 1 else ():
                model, slot = self._slots[name]
                found.setdefault(model, {})[slot] = weights[name]
        return found

    def health(self, slots: Collection[tuple[str, Slot]]) -> Mapping[str, Health]:
        """Health of each registered instance; one call a slot, several at a time."""
        arns = [arn for arn, slot in self._slots_by_arn().items() if slot in slots] if slots else []
        with ThreadPoolExecutor(max_workers=8) as pool:
            return dict(chain.from_iterable(pool.map(self._target_health, arns)))

    def sources(self) -> Mapping[str, Sources]:
        """Under which names AWS keeps metrics of each model that has both target groups."""
        balancer, groups = self._balancer(), self._slots_by_arn()
        if balancer is None:
            return {}
        found: dict[str, dict[Slot, str]] = {}
        for arn, (model, slot) in groups.items():
            found.setdefault(model, {})[slot] = arn.rpartition(":")[2]
        return {
            model: Sources(
                balancer=balancer[0].partition(":loadbalancer/")[2],
                target_groups=slots,
                groups={
                    (slot, market): names.group(self._environment, model, slot, market)
                    for slot in Slot
                    for market in Market
                },
            )
            for model, slots in found.items()
            if len(slots) == len(Slot)
        }

    @translated("reading target health")
    def _target_health(self, arn: str) -> list[tuple[str, Health]]:
        answer = self._elbv2.describe_target_health(TargetGroupArn=arn)
        return [
            (target["Target"]["Id"], _STATES[target["TargetHealth"]["State"]])
            for target in answer["TargetHealthDescriptions"]
        ]

    @translated("reading the load balancer")
    def _balancer(self) -> tuple[str, str] | None:
        try:
            answer = self._elbv2.describe_load_balancers(Names=[self._name])
        except self._elbv2.exceptions.LoadBalancerNotFoundException:
            return None
        balancer = answer["LoadBalancers"][0]
        return balancer["LoadBalancerArn"], balancer["DNSName"]

    @translated("reading the target groups")
    def _slots_by_arn(self) -> dict[str, tuple[str, Slot]]:
        balancer = self._balancer()
        if balancer is None:
            return {}
        pages = self._elbv2.get_paginator("describe_target_groups").paginate(LoadBalancerArn=balancer[0])
        try:
            groups = [group for page in pages for group in page["TargetGroups"]]
        except self._elbv2.exceptions.TargetGroupNotFoundException:
            return {}  # a balancer without listeners: an apply was cut off
        return {
            group["TargetGroupArn"]: self._slots[group["TargetGroupName"]]
            for group in groups
            if group["TargetGroupName"] in self._slots
        }
