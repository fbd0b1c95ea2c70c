"""The `Source` of a real environment: asks the adapters, and joins what they say with what the file means."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from infra.dashboard.charts import charts
from infra.dashboard.types import AlarmFact, AlarmPhase, AlarmState, Charts
from infra.deploy.types import EnvironmentState
from infra.environment.base import seconds
from infra.environment.model import Environment
from infra.errors import LlmctlError
from infra.metrics.ports import Origins, Reader
from infra.metrics.window import window
from infra.observability.alarms import alarm_name, alarms, composites, environment_alarms
from infra.observability.figures import figures
from infra.observability.types import Alarm, Composite, Sources

T = TypeVar("T")

EVENTS_BACK = timedelta(days=1)
_ORDER = tuple(AlarmPhase)


class Alarms(Protocol):
    """Knows how alarms are."""

    def facts(self) -> Mapping[str, AlarmFact]:
        """Every alarm that may be the environment's, by its name in CloudWatch."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Everything to ask, of one environment file as it was read. Used by several threads at a time."""

    environment: Environment
    observe: Callable[[], EnvironmentState]
    """Refuses when nothing is deployed."""
    alarms: Alarms
    events: Callable[[datetime], Sequence[Any]]
    """Entries of the audit log from a time on, oldest first."""
    reader: Reader
    origins: Origins


class CloudSource:
    """Implements `infra.dashboard.types.Source`.

    After a failure it connects anew: an embedded cloud that was started again answers elsewhere, renewed
    credentials count, and so does a changed file.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._connect = connect
        self._now = now
        self._connection: Connection | None = None
        self._connecting = threading.Lock()

    def state(self) -> EnvironmentState:
        """What `llmctl status` shows."""
        return self._ask(lambda cloud: cloud.observe())

    def alarms(self) -> Sequence[AlarmState]:
        """The alarms that the file asks for and that exist, worst first."""
        return self._ask(lambda cloud: alarm_states(cloud.environment, cloud.origins.sources(), cloud.alarms))

    def events(self) -> Sequence[Any]:
        """The audit log of the last day, newest first."""
        since = self._now() - EVENTS_BACK
        return self._ask(lambda cloud: cloud.events(since))[::-1]

    def charts(self, model: str, seconds: int) -> Charts:
        """A model's figures over the last so many seconds; none when it isn't deployed."""
        return self._ask(lambda cloud: _charts(cloud, model, seconds, self._now()))

    def _ask(self, question: Callable[[Connection], T]) -> T:
        connection = self._connected()
        try:
            return question(connection)
        except LlmctlError:
            with self._connecting:
                if self._connection is connection:
                    self._connection = None
            raise

    def _connected(self) -> Connection:
        with self._connecting:
            if self._connection is None:
                self._connection = self._connect()
            return self._connection


def alarm_states(
    environment: Environment, sources: Mapping[str, Sources], alarms: Alarms
) -> tuple[AlarmState, ...]:
    """How the environment's alarms are, worst first.

    Names alone don't tell environments apart ("prod" and "prod-eu" begin alike): only alarms that this file
    defines count.
    """
    facts = alarms.facts()
    found = [
        _joined(facts[name], name, alarm)
        for alarm in _defined(environment, sources)
        if (name := alarm_name(environment.environment, alarm)) in facts
    ]
    return tuple(sorted(found, key=lambda alarm: (_ORDER.index(alarm.phase), not alarm.notifies)))


def _defined(environment: Environment, sources: Mapping[str, Sources]) -> list[Alarm | Composite]:
    found: list[Alarm | Composite] = [*environment_alarms(environment, sources)]
    for model in environment.models:
        if model in sources:
            found += composites(environment, model, sources[model])
            found += alarms(environment, model, sources[model])
    return found


def _joined(fact: AlarmFact, name: str, alarm: Alarm | Composite) -> AlarmState:
    return AlarmState(
        name=name,
        model=alarm.model,
        kind=alarm.kind,
        phase=fact.phase,
        since=fact.since,
        reason=fact.reason,
        meaning=alarm.meaning,
        notifies=alarm.notifies if isinstance(alarm, Alarm) else True,
    )


def _charts(cloud: Connection, model: str, length: int, now: datetime) -> Charts:
    span = window(now, length, seconds(cloud.environment.monitoring.interval))
    sources = cloud.origins.sources().get(model)
    wanted = figures(cloud.environment, model, sources) if sources else ()
    lines = [line for figure in wanted for line in figure.lines]
    found = cloud.reader.series(lines, since=span.since, until=span.latest, period=span.period)
    return charts(model, wanted, found, span)
