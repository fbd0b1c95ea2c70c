"""The API calls about alarms. They are kept in moto's own place: tags and resets find them there."""

import json
import time
from collections.abc import Mapping
from typing import Any

from moto.cloudwatch.exceptions import InvalidFormat, ResourceNotFound, ValidationError
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, EmptyResult

from infra.embedded.aws import NotEmulatedError
from infra.embedded.aws.cloudwatch import alarm as alarms
from infra.embedded.aws.cloudwatch import evaluation, rules
from infra.embedded.aws.cloudwatch.actions import State
from infra.embedded.aws.cloudwatch.alarm import Alarm, Json
from infra.embedded.aws.cloudwatch.queries import BadQueryError
from infra.embedded.aws.cloudwatch.rules import BadRuleError, Rule
from infra.embedded.aws.patching import add, override

_LISTS = ("AlarmActions", "OKActions", "InsufficientDataActions")
_PLAIN = (
    "AlarmDescription",
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Period",
    "Unit",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
)
_SUPPRESSION = ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")
_PAGE = 50


def install() -> None:
    """Put the calls into moto."""
    for call in (
        put_metric_alarm,
        describe_alarms,
        describe_alarms_for_metric,
        delete_alarms,
        set_alarm_state,
        enable_alarm_actions,
        disable_alarm_actions,
    ):
        override(CloudWatchResponse, call.__name__, call)
    for call in (put_composite_alarm, describe_alarm_history):
        add(CloudWatchResponse, call.__name__, call)


def put_metric_alarm(self: Any) -> EmptyResult:
    """Create an alarm, or change it; a changed one keeps its state until it is evaluated."""
    configuration = _configuration(self)
    configuration |= {name: found for name in _PLAIN if (found := self._get_param(name)) is not None}
    if metrics := self._get_param("Metrics", []):
        configuration["Metrics"] = [_query(metric) for metric in metrics]
    else:
        configuration["Dimensions"] = self._get_param("Dimensions", [])
    try:
        watch = alarms.watch(configuration)
    except BadQueryError as error:
        raise ValidationError(str(error)) from error
    _put(self, configuration).watch = watch
    return EmptyResult()


def put_composite_alarm(self: Any) -> EmptyResult:
    """Create or change a composite alarm; the alarms of its rule must exist."""
    if any(self._get_param(name) for name in _SUPPRESSION):
        raise NotEmulatedError("composite alarms with an actions suppressor")
    configuration = _configuration(self)
    configuration["AlarmRule"] = self._get_param("AlarmRule") or ""
    if description := self._get_param("AlarmDescription"):
        configuration["AlarmDescription"] = description
    rule = _rule(self, configuration)
    _put(self, configuration).rule = rule
    return EmptyResult()


def describe_alarms(self: Any) -> ActionResult:
    """Alarms of the asked kinds: metric alarms, unless AlarmTypes says otherwise."""
    kinds = self._get_param("AlarmTypes", []) or ["MetricAlarm"]
    if self._get_param("ChildrenOfAlarmName") or self._get_param("ParentsOfAlarmName"):
        raise NotEmulatedError("DescribeAlarms by parents or children")
    found = [alarm for alarm in _all(self).values() if _kind(alarm) in kinds and _is_asked(self, alarm)]
    page, token = _page(self, sorted(found, key=lambda alarm: alarm.name), _PAGE)
    answer: Json = {
        f"{kind}s": [alarm.describe() for alarm in page if _kind(alarm) == kind]
        for kind in ("MetricAlarm", "CompositeAlarm")
    }
    return ActionResult({**answer, "NextToken": token})


def describe_alarms_for_metric(self: Any) -> ActionResult:
    """Metric alarms on one metric."""
    asked = {name: self._get_param(name) for name in ("MetricName", "Namespace")}
    dimensions = self._get_param("Dimensions", [])
    found = [
        alarm.describe()
        for alarm in _all(self).values()
        if all(alarm.configuration.get(name) == value for name, value in asked.items())
        and _pairs(alarm.configuration.get("Dimensions", [])) == _pairs(dimensions)
    ]
    return ActionResult({"MetricAlarms": found})


def delete_alarms(self: Any) -> EmptyResult:
    """Delete alarms, all or, if one does not exist, none."""
    for alarm in _named(self):
        del _all(self)[alarm.name]
        self.cloudwatch_backend.tagger.delete_all_tags_for_resource(alarm.alarm_arn)
    return EmptyResult()


def set_alarm_state(self: Any) -> EmptyResult:
    """Set a state until the next evaluation; actions are carried out."""
    alarm = _all(self).get(self._get_param("AlarmName"))
    if alarm is None:
        raise ResourceNotFound
    value, data = self._get_param("StateValue"), self._get_param("StateReasonData")
    if value not in set(State):
        raise ValidationError(
            f"1 validation error detected: Value '{value}' at 'stateValue' failed to satisfy constraint: "
            "Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]"
        )
    try:
        json.loads(data or "{}")
    except ValueError:
        raise InvalidFormat("Unknown") from None
    alarm.reason_data = data
    evaluation.change(alarm, State(value), self._get_param("StateReason"), time.time())
    return EmptyResult()


def enable_alarm_actions(self: Any) -> EmptyResult:
    """Let alarms act again."""
    return _switch(self, enabled=True)


def disable_alarm_actions(self: Any) -> EmptyResult:
    """Let alarms change their state without acting."""
    return _switch(self, enabled=False)


def describe_alarm_history(self: Any) -> ActionResult:
    """What happened to alarms, newest first."""
    name, kind = self._get_param("AlarmName"), self._get_param("HistoryItemType")
    start, end = self._get_param("StartDate"), self._get_param("EndDate")
    items = [
        item
        for alarm in _all(self).values()
        if name in (None, alarm.name)
        for item in alarm.history
        if kind in (None, item["HistoryItemType"])
        and (start is None or item["Timestamp"] >= start.replace(tzinfo=None))
        and (end is None or item["Timestamp"] <= end.replace(tzinfo=None))
    ]
    oldest_first = self._get_param("ScanBy") == "TimestampAscending"
    items.sort(key=lambda item: item["Timestamp"], reverse=not oldest_first)
    page, token = _page(self, items, 100)
    return ActionResult({"AlarmHistoryItems": page, "NextToken": token})


def _all(self: Any) -> dict[str, Alarm]:
    found: dict[str, Alarm] = self.cloudwatch_backend.alarms
    return found


def _named(self: Any) -> list[Alarm]:
    names = self._get_param("AlarmNames", [])
    if missing := [name for name in names if name not in _all(self)]:
        raise ResourceNotFound(f"Alarms do not exist: {', '.join(missing)}")
    return [_all(self)[name] for name in dict.fromkeys(names)]


def _configuration(self: Any) -> Json:
    """What metric and composite alarms have in common."""
    enabled = self._get_param("ActionsEnabled")
    return {
        "AlarmName": self._get_param("AlarmName"),
        "ActionsEnabled": enabled is None or str(enabled).lower() == "true",
        **{name: list(self._get_param(name, [])) for name in _LISTS},
    }


def _query(query: Mapping[str, Any]) -> Json:
    """A query as it is shown: whether it returns data is always said."""
    return {**query, "ReturnData": str(query.get("ReturnData", True)).lower() != "false"}


def _rule(self: Any, configuration: Mapping[str, Any]) -> Rule:
    try:
        rule = rules.parse(configuration["AlarmRule"])
    except BadRuleError as error:
        raise ValidationError(str(error)) from error
    if missing := sorted(rule.alarms - set(_all(self))):
        raise ValidationError(f"AlarmRule refers to alarms that do not exist: {', '.join(missing)}")
    if configuration["AlarmName"] in rule.alarms:
        raise ValidationError("AlarmRule must not refer to its own alarm")
    return rule


def _put(self: Any, configuration: Json) -> Alarm:
    now, name = time.time(), configuration["AlarmName"]
    alarm = _all(self).get(name)
    if alarm is None:
        arn = f"arn:aws:cloudwatch:{self.region}:{self.current_account}:alarm:{name}"
        alarm = _all(self)[name] = Alarm(
            name=name,
            alarm_arn=arn,
            account=self.current_account,
            region=self.region,
            configuration=configuration,
            configured=now,
        )
        if tags := self._get_param("Tags", []):
            self.cloudwatch_backend.tagger.tag_resource(arn, tags)
        alarm.remember("ConfigurationUpdate", f'Alarm "{name}" created', now)
        return alarm
    alarm.configuration, alarm.configured, alarm.evaluated = configuration, now, 0.0
    alarm.watch = alarm.rule = None
    alarm.remember("ConfigurationUpdate", f'Alarm "{name}" updated', now)
    return alarm


def _kind(alarm: Alarm) -> str:
    return "CompositeAlarm" if alarm.rule is not None else "MetricAlarm"


def _is_asked(self: Any, alarm: Alarm) -> bool:
    names, state = self._get_param("AlarmNames", []), self._get_param("StateValue")
    action = self._get_param("ActionPrefix")
    actions = [arn for name in _LISTS for arn in alarm.configuration.get(name, [])]
    return (
        (not names or alarm.name in names)
        and alarm.name.startswith(self._get_param("AlarmNamePrefix") or "")
        and (not state or alarm.state == state)
        and (not action or any(arn.startswith(action) for arn in actions))
    )


def _pairs(dimensions: Any) -> set[tuple[str, str]]:
    return {(one["Name"], one["Value"]) for one in dimensions}


def _switch(self: Any, *, enabled: bool) -> EmptyResult:
    names = self._get_param("AlarmNames", [])
    for alarm in (_all(self)[name] for name in names if name in _all(self)):
        alarm.configuration["ActionsEnabled"] = enabled
    return EmptyResult()


def _page(self: Any, items: list[Any], most: int) -> tuple[list[Any], str | None]:
    """A page of results; the token is the index of the next one."""
    token = str(self._get_param("NextToken") or 0)
    if not token.isdecimal():
        raise ValidationError("The value for parameter NextToken is invalid.")
    first, last = int(token), int(token) + int(self._get_param("MaxRecords") or most)
    return items[first:last], str(last) if last < len(items) else None
