"""Reads how CloudWatch's alarms are, metric alarms and composite ones."""

from collections.abc import Iterable, Mapping
from typing import Any

from infra.aws.session import Session, translated
from infra.dashboard.types import AlarmFact, AlarmPhase
from infra.environment import names

_PHASES = {
    "OK": AlarmPhase.OK,
    "ALARM": AlarmPhase.ALARM,
    "INSUFFICIENT_DATA": AlarmPhase.NO_DATA,
}


class AlarmReader:
    """Implements `infra.dashboard.source.Alarms` with CloudWatch."""

    def __init__(self, session: Session, environment: str) -> None:
        self._cloudwatch = session.cloudwatch
        self._prefix = f"{names.stack(environment)}-"

    @translated("reading the alarms")
    def facts(self) -> Mapping[str, AlarmFact]:
        """Every alarm whose name begins like the environment's, by name; possibly another's among them."""
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=self._prefix, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        found: dict[str, AlarmFact] = {}
        for page in pages:
            found |= _facts(page.get("MetricAlarms", ()))
            found |= _facts(page.get("CompositeAlarms", ()))
        return found


def _facts(raw: Iterable[Any]) -> dict[str, AlarmFact]:
    return {
        alarm["AlarmName"]: AlarmFact(
            phase=_PHASES[alarm["StateValue"]],
            # When it changed, where that is told: the other time moves with each evaluation.
            since=alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"],
            reason=alarm.get("StateReason", ""),
        )
        for alarm in raw
    }
