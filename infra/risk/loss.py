"""Risks of losing data, capacity or the service itself."""

from collections.abc import Iterator

from infra.risk.types import Found, Rule, Severity, Subject

_DATA = {
    "aws_dynamodb_table": "releases, rollouts and events are in it",
    "aws_s3_bucket": "instances fetch their agent from it, or samples are in it",
    "aws_s3_object": "instances fetch their agent from it",
    "aws_secretsmanager_secret": "clients have the key that is in it",
}
_LOGS = "aws_cloudwatch_log_group"
_SERVING = frozenset(
    {
        "aws_autoscaling_group",
        "aws_internet_gateway",
        "aws_launch_template",
        "aws_lb",
        "aws_lb_listener",
        "aws_lb_listener_rule",
        "aws_lb_target_group",
        "aws_nat_gateway",
        "aws_route",
        "aws_route_table",
        "aws_security_group",
        "aws_subnet",
        "aws_vpc",
        "aws_vpc_endpoint",
    }
)
"""What requests and replicas pass through."""
_MUCH = 2
"""A maximum that falls by this factor is told."""


def _data(subject: Subject) -> Iterator[Found]:
    for change in subject.changes:
        if change.action.destroys and change.type in _DATA:
            yield Found(change.model, f"{change.address} would be {change.action}d: {_DATA[change.type]}")


def _logs(subject: Subject) -> Iterator[Found]:
    for change in subject.changes:
        if change.action.destroys and change.type == _LOGS:
            yield Found(change.model, f"{change.address} would be {change.action}d, with what was logged")


def _outage(subject: Subject) -> Iterator[Found]:
    for change in subject.changes:
        stays = not change.model or change.model in subject.after.models
        if change.action.destroys and change.type in _SERVING and stays:
            causes = ", ".join(each.path for each in change.differences if each.replaces)
            because = f", because of {causes}" if causes else ""
            yield Found(change.model, f"{change.address} would be {change.action}d{because}")


def _removed(subject: Subject) -> Iterator[Found]:
    for name, model in subject.before.models.items() if subject.before else ():
        if name not in subject.after.models:
            yield Found(name, f"{name} would go, with all of its {model.replicas.min} or more replicas")


def _capacity(subject: Subject) -> Iterator[Found]:
    for name, before, after in subject.kept:
        least, most = before.replicas.min, after.replicas.max
        if most < least:
            yield Found(name, f"at most {most} replicas, where at least {least} were needed before")
        elif most * _MUCH <= before.replicas.max:
            yield Found(name, f"at most {most} replicas instead of {before.replicas.max}")


def _asleep(subject: Subject) -> Iterator[Found]:
    for name, before, after in subject.kept:
        if before.replicas.min > 0 and after.replicas.min == 0:
            yield Found(name, f"no replica at the quietest hour, instead of {before.replicas.min}")


def _forgotten(subject: Subject) -> Iterator[Found]:
    for change in subject.changes:
        if change.action == "forget":
            yield Found(change.model, f"{change.address} would stay, and nothing would know of it")


RULES = (
    Rule(
        id="data-loss",
        severity=Severity.DANGER,
        why="What is in it is gone, and can't be made again.",
        remedy="Find what forces the replacement, and take that back.",
        look=_data,
    ),
    Rule(
        id="logs-lost",
        severity=Severity.NOTE,
        why="Nobody can look up afterwards what happened.",
        remedy="Export the log group first, if it matters.",
        look=_logs,
    ),
    Rule(
        id="outage",
        severity=Severity.DANGER,
        why="Requests and replicas pass through it: while it is away, nothing is served.",
        remedy="Take the change back that forces it, or make a second environment and move clients there.",
        look=_outage,
    ),
    Rule(
        id="model-removed",
        severity=Severity.DANGER,
        why="Its clients get 404 from then on.",
        remedy="Make sure that nobody asks for it any more: `llmctl metrics` shows its requests.",
        look=_removed,
    ),
    Rule(
        id="capacity-cut",
        severity=Severity.DANGER,
        why="What needed the replicas before would find fewer.",
        remedy="Compare with the last weeks' replicas: `llmctl metrics --since 336h`.",
        look=_capacity,
    ),
    Rule(
        id="may-sleep",
        severity=Severity.WARNING,
        why="The first request after a quiet time is refused, until a replica has started.",
        remedy="Keep replicas.min at 1, or see that clients try again.",
        look=_asleep,
    ),
    Rule(
        id="forgotten",
        severity=Severity.WARNING,
        why="It costs what it costs, and `destroy` does not find it by the state.",
        remedy="Delete it by hand when it is of no use.",
        look=_forgotten,
    ),
)
