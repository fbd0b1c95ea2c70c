"""Minimums that change: by the clock, and down to nothing when nobody asks."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from zoneinfo import available_timezones

from cronsim import CronSimError

from infra.environment.base import seconds
from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.model import Model, Replicas, ScheduledMinimum
from infra.environment.schedule import next_times

_CRONTAB = re.compile(
    r"(?:[\d*,/-]|\b(?:SUN|MON|TUE|WED|THU|FRI|SAT)\b|"
    r"\b(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)\b)+",
    re.IGNORECASE,
)
_FIELDS = 5
_START = datetime(2025, 1, 1, tzinfo=UTC)
_LOOKED_AT = 400
"""Times of each entry that are compared: a year of daily ones."""
_SHORTEST_NAP = {"aws": 300, "embedded": 120}
"""Seconds: a balancer's counts come by the minute, AWS's a few minutes late."""
_DAY = 86400


def _check(subject: Subject) -> Iterator[Finding]:
    for name, model, _ in subject.models:
        yield from _entries(name, model.replicas)
        yield from _sleep(name, model, _SHORTEST_NAP[subject.environment.provider.name])


def _entries(name: str, replicas: Replicas) -> Iterator[Finding]:
    taken: dict[datetime, int] = {}
    for index, entry in enumerate(replicas.schedule):
        place = ("models", name, "replicas", "schedule", index)
        if entry.min > replicas.max:
            yield Finding(
                place=(*place, "min"),
                what=f"{entry.min} is more than max, which is {replicas.max}",
                why="the model could never have as many",
                allowed=f"0 to {replicas.max}",
            )
        if entry.timezone not in _zones():
            yield Finding(
                place=(*place, "timezone"),
                what=f"there is no time zone {entry.timezone}",
                allowed="an IANA name, such as UTC, Europe/Berlin or America/New_York",
            )
        elif times := _times(entry):
            other = next((taken[time] for time in times if time in taken), None)
            if other is not None:
                yield Finding(
                    place=(*place, "cron"),
                    what=f"{entry.cron} comes at the same time as entry {other + 1}",
                    why="only one minimum can hold, and AWS refuses two actions at one time",
                    hint="move one of them by a minute",
                )
            taken |= {time: index for time in times if time not in taken}
        else:
            yield Finding(
                place=(*place, "cron"),
                what=f"{entry.cron!r} is no time that ever comes",
                why="AWS wants minute, hour, day, month and weekday",
                allowed="numbers, names, *, lists, ranges and steps, such as 0 8 * * MON-FRI",
            )


def _times(entry: ScheduledMinimum) -> list[datetime]:
    """When it comes next, many times over; empty for what is no crontab line, or never comes."""
    fields = entry.cron.split()
    if len(fields) != _FIELDS or not all(_CRONTAB.fullmatch(field) for field in fields):
        return []
    try:
        return list(next_times(entry, _START, _LOOKED_AT))
    except CronSimError:
        return []


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _sleep(name: str, model: Model, shortest: int) -> Iterator[Finding]:
    after = model.replicas.sleep_after
    if after is None:
        return
    place = ("models", name, "replicas", "sleep_after")
    if not shortest <= seconds(after) <= _DAY:
        yield Finding(
            place=place,
            what=f"{after} can't be watched",
            why="the balancer's counts come by the minute and late; CloudWatch looks back a day at most",
            allowed=f"{shortest // 60}m to 24h",
        )
    if model.replicas.min:
        yield Finding(
            place=place,
            what=f"the model keeps {model.replicas.min}",
            why="replicas.min holds whatever happens",
            hint="set replicas.min to 0, or remove sleep_after",
        )
    if model.spot.overprovision:
        yield Finding(
            place=("models", name, "spot", "overprovision"),
            what=f"{model.spot.overprovision} extra replicas never sleep",
            why="they are part of the group's minimum",
            hint="set spot.overprovision to 0, or remove replicas.sleep_after",
        )


RULE = Rule(
    id="schedule",
    summary="Scheduled minimums come, one at a time, and fit below `max`; what sleeps keeps nothing.",
    check=_check,
)
