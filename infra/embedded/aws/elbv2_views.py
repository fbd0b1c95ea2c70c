"""Load balancers and target groups as frozen values: moto's nested dictionaries end here."""

from typing import Any

from moto.acm.models import CertificateNotFound, acm_backends
from moto.elbv2.models import elbv2_backends

from infra.embedded import aws
from infra.embedded.aws import views
from infra.embedded.aws.health import STORE, TargetState

_DEFAULT_PATH = "/"


def view_load_balancers() -> tuple[views.LoadBalancer, ...]:
    """Take a snapshot of all application load balancers."""
    with aws.lock:
        return tuple(
            _load_balancer(backend, balancer)
            for regions in elbv2_backends.values()
            for backend in regions.values()
            for balancer in backend.load_balancers.values()
            if balancer.type == "application"
        )


def view_target_groups() -> tuple[views.TargetGroup, ...]:
    """Take a snapshot of all target groups."""
    with aws.lock:
        return tuple(
            _target_group(group)
            for regions in elbv2_backends.values()
            for backend in regions.values()
            for group in backend.target_groups.values()
        )


def _load_balancer(backend: Any, balancer: Any) -> views.LoadBalancer:
    listeners = tuple(_listener(backend, listener) for listener in balancer.listeners.values())
    arns = dict.fromkeys(
        target.arn
        for listener in listeners
        for rule in listener.rules
        if isinstance(rule.action, views.Forward)
        for target in rule.action.target_groups
    )
    return views.LoadBalancer(
        arn=balancer.arn,
        name=balancer.name,
        region=backend.region_name,
        dns_name=balancer.dns_name,
        idle_timeout=int(balancer.attrs.get("idle_timeout.timeout_seconds", 60)),
        listeners=listeners,
        target_groups=tuple(
            _target_group(backend.target_groups[arn]) for arn in arns if arn in backend.target_groups
        ),
    )


def _listener(backend: Any, listener: Any) -> views.Listener:
    rules = [_rule(rule) for rule in listener.rules.values()]
    last = float("inf")
    return views.Listener(
        arn=listener.arn,
        port=int(listener.port),
        protocol=listener.protocol,
        certificate=_certificate(backend, listener.certificate) if listener.protocol == "HTTPS" else None,
        rules=tuple(sorted(rules, key=lambda rule: last if rule.priority is None else rule.priority)),
    )


def _certificate(backend: Any, arn: str) -> views.Certificate | None:
    """Return the certificate, or None when it is not ACM's."""
    try:
        bundle = acm_backends[backend.account_id][backend.region_name].get_certificate(arn)
    except CertificateNotFound:
        return None
    return views.Certificate(
        arn=arn, certificate=bundle.cert, private_key=bundle.key, chain=bundle.chain or b""
    )


def _rule(rule: Any) -> views.Rule:
    return views.Rule(
        arn=rule.arn,
        priority=None if rule.is_default else int(rule.priority),
        conditions=tuple(_condition(condition) for condition in rule.conditions),
        action=_action(rule.actions[-1].data),
    )


def _condition(condition: dict[str, Any]) -> views.Condition:
    field = views.ConditionField(condition["Field"])
    if field is views.ConditionField.HEADER:
        config = condition["HttpHeaderConfig"]
        return views.Condition(field=field, values=tuple(config["Values"]), header=config["HttpHeaderName"])
    key = "HostHeaderConfig" if field is views.ConditionField.HOST else "PathPatternConfig"
    values = condition.get(key, {}).get("Values") or condition.get("Values", [])
    return views.Condition(field=field, values=tuple(values))


def _action(data: dict[str, Any]) -> views.Action:
    if data["Type"] == "fixed-response":
        fixed = data["FixedResponseConfig"]
        return views.FixedResponse(
            status_code=int(fixed["StatusCode"]),
            content_type=fixed.get("ContentType"),
            body=fixed.get("MessageBody") or "",
        )
    if data["Type"] == "redirect":
        redirect = data["RedirectConfig"]
        return views.Redirect(
            status_code=int(redirect["StatusCode"].removeprefix("HTTP_")),
            protocol=redirect.get("Protocol") or "#{protocol}",
            host=redirect.get("Host") or "#{host}",
            port=str(redirect.get("Port") or "#{port}"),
            path=redirect.get("Path") or "/#{path}",
            query=redirect.get("Query") or "#{query}",
        )
    return _forward(data)


def _forward(data: dict[str, Any]) -> views.Forward:
    groups = data.get("ForwardConfig", {}).get("TargetGroups") or [
        {"TargetGroupArn": data["TargetGroupArn"], "Weight": 1}
    ]
    return views.Forward(
        target_groups=tuple(
            views.WeightedTargetGroup(arn=group["TargetGroupArn"], weight=int(group.get("Weight", 1)))
            for group in groups
        )
    )


def _target_group(group: Any) -> views.TargetGroup:
    attributes = group.attributes
    function = group.target_type == "lambda"
    return views.TargetGroup(
        arn=group.arn,
        name=group.name,
        region=group.region_name,
        protocol=group.protocol or "HTTP",
        port=views.FUNCTION_PORT if function else int(group.port),
        algorithm=attributes["load_balancing.algorithm.type"],
        health_check=_health_check(group),
        deregistration_delay=int(attributes["deregistration_delay.timeout_seconds"]),
        slow_start=int(attributes["slow_start.duration_seconds"]),
        targets=_targets(group, function=function),
        function=function,
    )


def _health_check(group: Any) -> views.HealthCheck:
    port = str(group.health_check_port)
    return views.HealthCheck(
        enabled=bool(group.health_check_enabled) and group.target_type != "lambda",
        protocol=group.health_check_protocol or "HTTP",
        port=int(port) if port.isdigit() else None,
        path=group.health_check_path or _DEFAULT_PATH,
        interval=int(group.health_check_interval_seconds),
        timeout=int(group.health_check_timeout_seconds),
        healthy_threshold=int(group.healthy_threshold_count),
        unhealthy_threshold=int(group.unhealthy_threshold_count),
        matcher=str(group.matcher.get("HttpCode", "200")),
    )


def _targets(group: Any, *, function: bool) -> tuple[views.Target, ...]:
    if function:  # always there, never checked
        return tuple(
            views.Target(id=arn, port=views.FUNCTION_PORT, state=TargetState.HEALTHY) for arn in group.targets
        )
    registered = tuple(
        views.Target(id=target["Id"], port=int(target["Port"]), state=group.target_health(target["Id"]).state)
        for target in group.targets.values()
    )
    draining = tuple(
        views.Target(id=entry.target_id, port=entry.port, state=TargetState.DRAINING)
        for entry in STORE.draining(group.arn)
    )
    return registered + draining
