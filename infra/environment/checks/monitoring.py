"""What is published can be summed by the minute, who is told can be reached, and costs have prices."""

from collections.abc import Iterator

from infra.environment.base import seconds
from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.checks.network import unreadable

_SHORTEST, _MINUTE = 5, 60
_DAY = 86400
_PLAIN = "http://"


def _check(subject: Subject) -> Iterator[Finding]:
    yield from _interval(subject)
    yield from _notify(subject)
    yield from _budget(subject)
    for index, cidr in enumerate(subject.environment.monitoring.scrape_from):
        yield from unreadable(cidr, ("monitoring", "scrape_from", index))
    for name, model, _ in subject.models:
        patience = model.alarms.capacity_short
        if patience and not _MINUTE <= seconds(patience) <= _DAY:
            yield Finding(
                place=("models", name, "alarms", "capacity_short"),
                what=f"{patience} can't be watched",
                why="CloudWatch looks back over whole minutes, and a day at most",
                allowed="1m to 24h",
            )


def _interval(subject: Subject) -> Iterator[Finding]:
    interval = subject.environment.monitoring.interval
    length = seconds(interval)
    if not _SHORTEST <= length <= _MINUTE or _MINUTE % length:
        yield Finding(
            place=("monitoring", "interval"),
            what=f"{interval} doesn't divide a minute",
            why="alarms count by the minute; oftener than every 5 seconds costs more than it shows",
            allowed="5s, 6s, 10s, 12s, 15s, 20s, 30s, 60s",
        )


def _notify(subject: Subject) -> Iterator[Finding]:
    if subject.environment.provider.name == "embedded":
        return
    for index, target in enumerate(subject.environment.monitoring.notify):
        if target.startswith(_PLAIN):
            yield Finding(
                place=("monitoring", "notify", index),
                what=f"{target} is not encrypted",
                why="anybody on the way could read it, or change it",
                hint=f"use https://{target.removeprefix(_PLAIN)}",
            )


def _budget(subject: Subject) -> Iterator[Finding]:
    if subject.environment.monitoring.budget is None:
        return
    for name, model, _ in subject.models:
        if model.instances.price is None:
            yield Finding(
                place=("models", name, "instances"),
                at_key=True,
                what="the price is missing",
                why="monitoring.budget is compared with what all instances cost",
                hint="add price: {on_demand: ..., spot: ...}, in US dollars an hour",
            )


RULE = Rule(
    id="monitoring",
    summary="The interval divides a minute; webhooks are HTTPS; a budget has prices; alarms look back a day.",
    check=_check,
    across_models=True,
)
