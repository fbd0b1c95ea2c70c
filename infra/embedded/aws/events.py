"""EventBridge: rules whose targets are functions, by pattern and by schedule. moto delivers to neither.

Schedules keep real time. `rate(...)` counts from the rule's creation, `cron(...)` has AWS's six fields, UTC.
"""

import copy
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cronsim import CronSim, CronSimError
from moto.events.exceptions import ValidationException
from moto.events.models import EventsBackend, Rule, events_backends
from moto.utilities.arns import parse_arn

from infra.embedded import aws
from infra.embedded.aws import NotEmulatedError, functions
from infra.embedded.aws.patching import replace

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((.+)\)")

_next: dict[str, tuple[str, datetime]] = {}
"""By rule: its expression and when it is due next."""


def install() -> None:
    """Put the fixes into moto."""
    replace(EventsBackend, "put_rule", _with_checked_schedule)
    replace(Rule, "send_to_targets", _with_functions)


def run_schedules(now: float) -> None:
    """Invoke the targets of every rule that is due at `now` (epoch seconds)."""
    moment = datetime.fromtimestamp(now, UTC)
    with aws.lock:
        rules = {
            rule.arn: rule
            for regions in events_backends.values()
            for backend in regions.values()
            for bus in backend.event_buses.values()
            for rule in bus.rules.values()
            if rule.scheduled_expression and rule.state == "ENABLED"
        }
        for arn in _next.keys() - rules.keys():
            del _next[arn]
        for arn, rule in rules.items():
            expression = rule.scheduled_expression
            known, due = _next.get(arn, ("", moment))
            if known == expression and due <= moment:
                _fire(rule, moment)
            if known != expression or due <= moment:
                _next[arn] = (expression, following(expression, moment))


def following(expression: str, moment: datetime) -> datetime:
    """When a schedule expression is due after `moment`.

    Raises ValueError for one that AWS refuses, NotEmulatedError for a form that is not known here.
    """
    if rate := _RATE.fullmatch(expression):
        return moment + timedelta(**{f"{rate[2]}s": int(rate[1])})
    if cron := _CRON.fullmatch(expression):
        *others, weekday, year = cron[1].split()
        if year == "*":
            # AWS counts weekdays (not the week in 2#1) from 1, Sunday; a ? stands for "as the other says".
            weekday = re.sub(r"(?<!#)\d", lambda digit: str(int(digit[0]) - 1), weekday)
            try:
                return next(CronSim(" ".join((*others, weekday)).replace("?", "*"), moment))
            except (CronSimError, StopIteration) as error:
                raise ValueError(f"{expression}: {error}") from error
    raise NotEmulatedError(f"schedule expression {expression}")


def _with_checked_schedule(original: Callable[..., Rule]) -> Callable[..., Rule]:
    """A rule that can't be computed is refused here, so that it can't stop the others' schedules later."""

    def put_rule(self: Any, name: str, *args: Any, **more: Any) -> Rule:
        if expression := more.get("scheduled_expression"):
            try:
                following(expression, datetime.now(UTC))
            except ValueError as error:
                raise ValidationException("Parameter ScheduleExpression is not valid.") from error
        return original(self, name, *args, **more)

    return put_rule


def _fire(rule: Any, moment: datetime) -> None:
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": rule.account_id,
        "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "region": rule.region_name,
        "resources": [rule.arn],
        "detail": {},
    }
    for target in rule.targets:
        if parse_arn(target["Arn"]).service == "lambda":
            functions.start_with_input(target, event)


def _with_functions(original: Callable[..., None]) -> Callable[..., None]:
    def send_to_targets(self: Any, original_event: Any, transform_input: bool = True) -> None:
        ours = [target for target in self.targets if parse_arn(target["Arn"]).service == "lambda"]
        if ours and self.event_pattern.matches_event(original_event):
            for target in ours:
                event = dict(original_event)
                event["time"] = f"{datetime.fromtimestamp(float(event['time']), UTC):%Y-%m-%dT%H:%M:%SZ}"
                functions.start_with_input(target, event)
        others = copy.copy(self)
        others.targets = [target for target in self.targets if target not in ours]
        original(others, original_event, transform_input)

    return send_to_targets
