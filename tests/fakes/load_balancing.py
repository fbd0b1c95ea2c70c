"""Load balancers as views, made in few words, and an account that holds them without moto."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from infra.embedded.aws.health import Health, TargetState
from infra.embedded.aws.views import (
    Action,
    Certificate,
    Condition,
    ConditionField,
    FixedResponse,
    Forward,
    HealthCheck,
    Listener,
    LoadBalancer,
    Rule,
    Target,
    TargetGroup,
    WeightedTargetGroup,
)

PORT = 8000


def check(**changes: Any) -> HealthCheck:
    """A health check that is as quick as AWS's units allow."""
    values: dict[str, Any] = {
        "enabled": True,
        "protocol": "HTTP",
        "port": None,
        "path": "/health",
        "interval": 1,
        "timeout": 1,
        "healthy_threshold": 2,
        "unhealthy_threshold": 2,
        "matcher": "200",
    }
    return HealthCheck(**{**values, **changes})


def target(name: str, state: TargetState = TargetState.INITIAL, port: int = PORT) -> Target:
    """A target by its instance id or address."""
    return Target(id=name, port=port, state=state)


def group(name: str, *targets: Target, **changes: Any) -> TargetGroup:
    """A target group."""
    values: dict[str, Any] = {
        "arn": f"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/{name}/0123456789abcdef",
        "name": name,
        "region": "us-east-1",
        "protocol": "HTTP",
        "port": PORT,
        "algorithm": "round_robin",
        "health_check": check(),
        "deregistration_delay": 30,
        "slow_start": 0,
        "targets": targets,
    }
    return TargetGroup(**{**values, **changes})


def forward(*weighted: tuple[TargetGroup, int]) -> Forward:
    """An action that splits requests by weight."""
    return Forward(
        target_groups=tuple(WeightedTargetGroup(arn=one.arn, weight=weight) for one, weight in weighted)
    )


def path(*patterns: str) -> Condition:
    """A path condition."""
    return Condition(field=ConditionField.PATH, values=patterns)


def host(*patterns: str) -> Condition:
    """A host condition."""
    return Condition(field=ConditionField.HOST, values=patterns)


def header(name: str, *patterns: str) -> Condition:
    """A header condition."""
    return Condition(field=ConditionField.HEADER, values=patterns, header=name)


def rules(
    *conditional: tuple[tuple[Condition, ...], Action], default: Action | None = None
) -> tuple[Rule, ...]:
    """Rules in order of priority, and the default one, which says 404 unless told otherwise."""
    last = default or FixedResponse(status_code=404, content_type="text/plain", body="no rule")
    numbered = tuple(
        Rule(arn=f"rule/{number}", priority=number, conditions=conditions, action=action)
        for number, (conditions, action) in enumerate(conditional, start=1)
    )
    return (*numbered, Rule(arn="rule/default", priority=None, conditions=(), action=last))


def listener(port: int, of: tuple[Rule, ...], certificate: Certificate | None = None) -> Listener:
    """A listener; HTTPS if it has a certificate."""
    protocol = "HTTPS" if certificate else "HTTP"
    return Listener(arn=f"listener/{port}", port=port, protocol=protocol, certificate=certificate, rules=of)


def balancer(
    listeners: Iterable[Listener], groups: Iterable[TargetGroup] = (), name: str = "web", **changes: Any
) -> LoadBalancer:
    """A load balancer with its listeners and the target groups of their rules."""
    values: dict[str, Any] = {
        "arn": f"arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/{name}/fedcba98",
        "name": name,
        "region": "us-east-1",
        "dns_name": "",
        "listeners": tuple(listeners),
        "target_groups": tuple(groups),
    }
    return LoadBalancer(**{**values, **changes})


@dataclass
class FakeCloud:
    """An account that remembers what the balancer tells it and, like the real one, says so in its views."""

    balancers: tuple[LoadBalancer, ...] = ()
    dns_names: dict[str, str] = field(default_factory=dict)
    health: dict[str, Health] = field(default_factory=dict)
    """By target id."""
    gone: list[str] = field(default_factory=list)
    """Ids of the targets that have drained."""

    def load_balancers(self) -> tuple[LoadBalancer, ...]:
        """The balancers with what was told of them."""
        return tuple(
            replace(
                one,
                dns_name=self.dns_names.get(one.arn, ""),
                target_groups=tuple(self._now(group) for group in one.target_groups),
            )
            for one in self.balancers
        )

    def _now(self, of: TargetGroup) -> TargetGroup:
        return replace(
            of,
            targets=tuple(
                replace(one, state=self.health[one.id].state)
                if one.id in self.health and one.state is not TargetState.DRAINING
                else one
                for one in of.targets
                if one.state is not TargetState.DRAINING or one.id not in self.gone
            ),
        )

    def set_dns_name(self, balancer_arn: str, name: str) -> None:
        """Remember a load balancer's name."""
        self.dns_names[balancer_arn] = name

    def set_target_health(self, group_arn: str, target_id: str, port: int, health: Health) -> None:
        """Remember a target's health."""
        self.health[target_id] = health

    def drained(self, group_arn: str, target_id: str, port: int) -> None:
        """Remember the end of a target."""
        self.gone.append(target_id)

    def state(self, target_id: str) -> TargetState | None:
        """What was last told of a target."""
        return self.health[target_id].state if target_id in self.health else None
