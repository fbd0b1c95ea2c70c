"""Every request finds its model: engines that can't answer below a path need a host of their own."""

from collections.abc import Iterator

from infra.environment.base import seconds
from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.model import Model
from infra.environment.names import rule_order

_LONGEST_DRAIN = 3600
_SLOW_START = range(30, 901)


def _check(subject: Subject) -> Iterator[Finding]:
    yield from _paths(subject)
    yield from _priorities(subject)
    for name, model, _ in subject.models:
        delay = model.routing.deregistration_delay
        if seconds(delay) > _LONGEST_DRAIN:
            yield Finding(
                place=("models", name, "routing", "deregistration_delay"),
                what=f"{delay} is too long",
                why="the load balancer waits an hour at most",
                allowed="0s to 3600s",
            )
        yield from _slow_start(name, model)


def _slow_start(name: str, model: Model) -> Iterator[Finding]:
    wanted = model.routing.slow_start
    if wanted is None:
        return
    place = ("models", name, "routing", "slow_start")
    if model.routing.algorithm != "round_robin":
        yield Finding(
            place=place,
            what=f"{model.routing.algorithm} knows no slow start",
            why="the load balancer offers it with round_robin only",
            hint="set algorithm: round_robin, or leave slow_start out",
        )
    if seconds(wanted) not in _SLOW_START:
        yield Finding(
            place=place,
            what=f"a slow start can't take {wanted}",
            why="the load balancer takes 30 seconds to 15 minutes",
            allowed="30s to 15m",
        )


def _paths(subject: Subject) -> Iterator[Finding]:
    environment = subject.environment
    for name, _, engine in subject.models:
        prefix = environment.path_prefix(name)
        if not prefix:
            continue
        if not engine.can_serve_below_path:
            why = f"{engine.name} only answers on /v1, and without a domain requests arrive on {prefix}/v1"
        elif engine.hides_health_below_path and environment.endpoint.auth == "api-key":
            why = f"below {prefix}, {engine.name} demands the key on its health path: the balancer has none"
        else:
            continue
        yield Finding(
            place=("models", name, "engine", "name"),
            what=f"{engine.name} can't serve {name} below a path",
            why=why,
            hint=f"set endpoint.domain, or make it the default (endpoint.default_model: {name})",
        )


def _priorities(subject: Subject) -> Iterator[Finding]:
    taken: dict[int, str] = {}
    for name, _, _ in subject.models:
        priority = rule_order(subject.environment, name)
        if priority in taken:
            yield Finding(
                place=("models", name, "routing", "priority"),
                what=f"priority {priority} is already {taken[priority]}'s",
                why="a load balancer has one rule for each priority",
                hint="set models.*.routing.priority to a number of its own",
            )
        taken.setdefault(priority, name)


RULE = Rule(
    id="routing",
    summary="Each model can be reached, by a rule of its own; a replica drains for an hour at most, and "
    "starts slowly only with `round_robin`.",
    check=_check,
    across_models=True,
)
