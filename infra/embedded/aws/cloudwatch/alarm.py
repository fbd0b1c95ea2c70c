"""An alarm: what it watches, as PutMetricAlarm or PutCompositeAlarm said, and what it knows by now."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.embedded.aws.cloudwatch import expressions, queries, rules
from infra.embedded.aws.cloudwatch.actions import State
from infra.embedded.aws.cloudwatch.decision import COMPARISONS, MISSING, Condition
from infra.embedded.aws.cloudwatch.queries import BadQueryError, Query

Json = dict[str, Any]

_HISTORY = 200
_MINUTE = 60
_SHORT = 10
_PERIODS = (10, 20, 30)
_ACTIONS = {
    State.ALARM: "AlarmActions",
    State.OK: "OKActions",
    State.UNKNOWN: "InsufficientDataActions",
}


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What a metric alarm evaluates."""

    queries: tuple[Query, ...]
    condition: Condition
    period: int
    """Seconds."""

    @property
    def step(self) -> int:
        """Seconds between two evaluations: a minute, or ten seconds at high resolution."""
        return _SHORT if self.period < _MINUTE else _MINUTE

    @property
    def shown(self) -> str:
        """Id of the query whose datapoints are compared."""
        return next(query.id for query in self.queries if query.returned)


@dataclass(kw_only=True)
class Alarm:
    """An alarm of one account and region; either `watch` or `rule` is set. Times are real epoch seconds."""

    name: str
    alarm_arn: str
    account: str
    region: str
    configuration: Json
    configured: float
    watch: Watch | None = None
    rule: rules.Rule | None = None
    state: State = State.UNKNOWN
    reason: str = "Unchecked: Initial alarm creation"
    reason_data: str | None = None
    updated: float = 0.0
    transitioned: float = 0.0
    evaluated: float = 0.0
    """Emulated time of the end of the last period that was looked at."""
    acted: float = 0.0
    """Emulated time of the last actions."""
    history: deque[Json] = field(default_factory=lambda: deque(maxlen=_HISTORY))

    @property
    def actions(self) -> list[str]:
        """ARNs to act in the present state."""
        enabled = self.configuration.get("ActionsEnabled", True)
        return list(self.configuration.get(_ACTIONS[self.state]) or ()) if enabled else []

    def remember(self, kind: str, summary: str, at: float, data: Mapping[str, object] | None = None) -> None:
        """Add to the alarm's history."""
        self.history.appendleft(
            {
                "AlarmName": self.name,
                "AlarmType": "CompositeAlarm" if self.rule else "MetricAlarm",
                "Timestamp": moment(at),
                "HistoryItemType": kind,
                "HistorySummary": summary,
                "HistoryData": json.dumps({"version": "1.0", **(data or {})}),
            }
        )

    def describe(self) -> Json:
        """As DescribeAlarms shows it."""
        return {
            **self.configuration,
            "AlarmArn": self.alarm_arn,
            "AlarmConfigurationUpdatedTimestamp": moment(self.configured),
            "StateValue": str(self.state),
            "StateReason": self.reason,
            "StateReasonData": self.reason_data,
            "StateUpdatedTimestamp": moment(self.updated or self.configured),
            "StateTransitionedTimestamp": moment(self.transitioned or self.configured),
        }


def moment(at: float) -> datetime:
    """A time as API answers have it."""
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None)


def watch(parameters: Mapping[str, Any]) -> Watch:
    """What the parameters of PutMetricAlarm say to watch. Raises BadQueryError."""
    found = _metrics(parameters) if parameters.get("Metrics") else (_metric(parameters),)
    shown = [query for query in found if query.returned]
    if len(shown) != 1:
        raise BadQueryError("Exactly one element of the metrics list should return data.")
    period = shown[0].stat.period if shown[0].stat else shown[0].period or queries.period_of(found)
    if period not in _PERIODS and (period < _MINUTE or period % _MINUTE):
        raise BadQueryError(f"Period {period} must be 10, 20, 30 or a multiple of 60")
    return Watch(queries=found, condition=_condition(parameters), period=period)


def _metrics(parameters: Mapping[str, Any]) -> tuple[Query, ...]:
    if parameters.get("MetricName"):
        raise BadQueryError("Metrics and MetricName are mutually exclusive")
    found = queries.parse(parameters["Metrics"])
    if any(query.expression and expressions.uses_search(query.expression) for query in found):
        raise BadQueryError("SEARCH is not supported on Metric Alarms.")
    return found


def _metric(parameters: Mapping[str, Any]) -> Query:
    statistic = parameters.get("ExtendedStatistic") or parameters.get("Statistic")
    needed = {name: parameters.get(name) for name in ("Namespace", "MetricName", "Period")}
    if missing := [name for name, value in {**needed, "Statistic": statistic}.items() if not value]:
        raise BadQueryError(f"The parameter {missing[0]} must be specified")
    metric = {name: parameters.get(name) for name in ("Namespace", "MetricName", "Dimensions")}
    stat = {
        "Metric": metric,
        "Period": parameters["Period"],
        "Stat": statistic,
        "Unit": parameters.get("Unit"),
    }
    (query,) = queries.parse([{"Id": "m1", "MetricStat": stat}])
    return query


def _condition(parameters: Mapping[str, Any]) -> Condition:
    comparison = parameters.get("ComparisonOperator")
    if parameters.get("ThresholdMetricId") or comparison not in COMPARISONS:
        raise BadQueryError(f"The comparison {comparison} is not supported: anomaly detection isn't")
    if parameters.get("Threshold") is None:
        raise BadQueryError("The parameter Threshold must be specified")
    missing = parameters.get("TreatMissingData") or "missing"
    if missing not in MISSING:
        raise BadQueryError(f"TreatMissingData must be one of {', '.join(MISSING)}")
    periods = int(parameters.get("EvaluationPeriods") or 0)
    datapoints = int(parameters.get("DatapointsToAlarm") or periods)
    if not 1 <= datapoints <= periods:
        raise BadQueryError("DatapointsToAlarm must be at least 1 and at most EvaluationPeriods")
    return Condition(
        comparison=comparison,
        threshold=float(parameters["Threshold"]),
        periods=periods,
        datapoints=datapoints,
        missing=missing,
    )
