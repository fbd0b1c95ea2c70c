"""Alarms as data -> CloudWatch's alarms.

What is watched, and why, is decided in `infra.observability`; this only says it in CloudWatch's words. An
alarm tells the topic when it fires and when it is over.
"""

from collections.abc import Mapping, Sequence
from typing import TypedDict

from constructs import Construct

from infra.observability.alarms import alarm_name, rule
from infra.observability.types import Alarm, Composite, Line, Term
from modules.bindings.aws.cloudwatch_composite_alarm import CloudwatchCompositeAlarm
from modules.bindings.aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm, MetricQuery
from modules.bindings.aws.sns_topic import SnsTopic

_WATCHED = "watched"
"""Id of the expression that an alarm compares; no term is called so."""


class _Watched(TypedDict, total=False):
    """The arguments of an alarm that say what it looks at."""

    namespace: str
    metric_name: str
    dimensions: Mapping[str, str]
    period: int
    statistic: str
    extended_statistic: str
    metric_query: Sequence[MetricQuery]


class Alarms(Construct):
    """The alarms of one model, or of the environment as a whole. `created`: the simple ones, by kind."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment: str,
        alarms: Sequence[Alarm],
        composites: Sequence[Composite] = (),
        topic: SnsTopic,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self._environment = environment
        self._topic = topic
        self._tags = tags
        self.created: dict[str, CloudwatchMetricAlarm] = {}
        for alarm in alarms:
            told = [topic.arn] if alarm.notifies else []
            self.created[alarm.kind] = metric_alarm(
                self, environment, alarm, actions=told, ok_actions=told, tags=tags
            )
        for composite in composites:
            self._composite(composite)

    def _composite(self, composite: Composite) -> None:
        CloudwatchCompositeAlarm(
            self,
            composite.kind,
            alarm_name=alarm_name(self._environment, composite),
            alarm_description=f"{composite.meaning} docs/operations.md explains it: {composite.kind}.",
            alarm_rule=rule(self._environment, composite),
            alarm_actions=[self._topic.arn],
            ok_actions=[self._topic.arn],
            tags=self._tags,
            depends_on=[self.created[kind] for kind in (*composite.any_of, *composite.unless)],
        )


def metric_alarm(
    scope: Construct,
    environment: str,
    alarm: Alarm,
    *,
    actions: Sequence[str],
    ok_actions: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
) -> CloudwatchMetricAlarm:
    """One alarm, under a construct id of its kind and part; `actions` when it fires, `ok_actions` after."""
    return CloudwatchMetricAlarm(
        scope,
        "_".join(filter(None, (alarm.kind, alarm.part))),
        alarm_name=alarm_name(environment, alarm),
        alarm_description=_description(alarm),
        comparison_operator=alarm.comparison,
        threshold=alarm.threshold,
        evaluation_periods=alarm.periods,
        datapoints_to_alarm=alarm.datapoints,
        treat_missing_data=alarm.missing.value,
        alarm_actions=actions or None,
        ok_actions=ok_actions or None,
        tags=tags,
        **_watched(alarm.line, alarm.period_seconds),
    )


def _watched(line: Line, period: int) -> _Watched:
    """What an alarm looks at: one metric, or math over several."""
    if line.expression is None:
        (term,) = line.terms
        single: _Watched = {
            "namespace": term.namespace,
            "metric_name": term.name,
            "dimensions": dict(term.dimensions),
            "period": period,
        }
        if term.statistic.startswith("p"):
            return {**single, "extended_statistic": term.statistic}
        return {**single, "statistic": term.statistic}
    result: MetricQuery = {
        "id": _WATCHED,
        "expression": line.expression,
        "label": line.label,
        "return_data": True,
    }
    return {"metric_query": [*(_query(term, period) for term in line.terms), result]}


def _query(term: Term, period: int) -> MetricQuery:
    return {
        "id": term.id,
        "return_data": False,
        "metric": {
            "namespace": term.namespace,
            "metric_name": term.name,
            "dimensions": dict(term.dimensions),
            "period": period,
            "stat": term.statistic,
        },
    }


def _description(alarm: Alarm) -> str:
    return f"{alarm.meaning} docs/operations.md explains it: {alarm.kind}. Without data: {alarm.why_missing}."
