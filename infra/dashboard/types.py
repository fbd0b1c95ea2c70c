"""What the page shows, as data, and the port that it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from infra.deploy.types import EnvironmentState
from infra.observability.types import Unit


class AlarmPhase(StrEnum):
    """What an alarm says."""

    ALARM = "alarm"
    NO_DATA = "no data"
    OK = "ok"


@dataclass(frozen=True, kw_only=True)
class AlarmFact:
    """What CloudWatch says of one alarm."""

    phase: AlarmPhase
    since: datetime
    reason: str
    """The numbers behind the phase, in CloudWatch's words."""


@dataclass(frozen=True, kw_only=True)
class AlarmState:
    """One alarm as it is now."""

    name: str
    """Its name in CloudWatch."""
    model: str | None
    """None: of the whole environment."""
    kind: str
    """Its entry in docs/operations.md."""
    phase: AlarmPhase
    since: datetime
    reason: str
    """The numbers behind the phase, in CloudWatch's words."""
    meaning: str
    notifies: bool
    """False: it only feeds a composite alarm, which tells people."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of a chart."""

    label: str
    values: tuple[float | None, ...]
    """One for each of the chart's times; None where there is no datapoint."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One figure with its values."""

    id: str
    title: str
    unit: Unit
    curves: tuple[Curve, ...]


@dataclass(frozen=True, kw_only=True)
class Charts:
    """All figures of a model over one window."""

    model: str
    period_seconds: int
    """Distance of two times."""
    times: tuple[int, ...]
    """Starts of the periods, epoch seconds; every curve has a value for each."""
    charts: tuple[Chart, ...]


class Source(Protocol):
    """Where everything comes from. Each method asks the cloud, and raises `LlmctlError` when it can't."""

    def state(self) -> EnvironmentState:
        """What `llmctl status` shows."""

    def alarms(self) -> Sequence[AlarmState]:
        """All alarms of the environment."""

    def events(self) -> Sequence[Any]:
        """The latest entries of the audit log, newest first; as `llmctl events --json` writes them."""

    def charts(self, model: str, seconds: int) -> Charts:
        """A model's figures over the last so many seconds."""
