"""EventBridge: rules whose targets are functions, by pattern and by schedule. moto delivers to neither.

Schedules keep real time. `rate(...)` counts from the rule's creation, `cron(...)` has AWS's six fields, UTC.
"""

import copy
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cronsim import CronSim
from moto.events.models import Rule, events_backends
from moto.utilities.arns import parse_arn

from infra.embedded import aws
from infra.embedded.aws import functions
from infra.embedded.aws.patching import replace

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\((.+)\)")

_next: dict[str, tuple[str, datetime]] = {}
"""By rule: its expression and when it is due next."""


def install() -> None:
    """Put the fix into moto."""
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
    """When a schedule expression is due after `moment`; raises NotImplementedError for an unknown form."""
    if rate := _RATE.fullmatch(expression):
        return moment + timedelta(**{f"{rate[2]}s": int(rate[1])})
    if cron := _CRON.fullmatch(expression):
        minute, hour, day, month, weekday, year = cron[1].split()
        if year == "*":
            # AWS counts weekdays from 1, Sunday; a ? stands for "as the other field says".
            weekday = re.sub(r"\d", lambda digit: str(int(digit[0]) - 1), weekday)
            fields = (minute, hour, day, month, weekday)
            return next(CronSim(" ".join(fields).replace("?", "*"), moment))
    raise NotImplementedError(f"schedule expression {expression}")


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
