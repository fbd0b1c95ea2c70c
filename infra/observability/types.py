"""Figures and alarms as plain data, in CloudWatch's terms: metrics, statistics, metric math.

The same definitions become CloudWatch dashboards and alarms (in `modules/observability`), Grafana panels,
the terminal's table and the page of `llmctl dashboard`: a figure means the same wherever it is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from infra.environment.slots import Market, Slot


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Names that AWS gives to a model's resources: tokens in a stack, text at run time."""

    balancer: str
    """ARN suffix of the load balancer: app/NAME/ID."""
    target_groups: Mapping[Slot, str]
    """ARN suffixes: targetgroup/NAME/ID."""
    groups: Mapping[tuple[Slot, Market], str]
    """Names of the autoscaling groups."""


class Unit(StrEnum):
    """How a figure's values are shown."""

    COUNT = "count"
    PER_SECOND = "per second"
    SECONDS = "seconds"
    PERCENT = "percent"
    DOLLARS = "dollars"


@dataclass(frozen=True, kw_only=True)
class Term:
    """One metric with its statistic: Sum, Average, Maximum, Minimum, SampleCount or pNN."""

    id: str
    """Name in expressions: a lower-case letter, then letters, digits and underscores."""
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a figure: a single term, or metric math over several."""

    label: str
    terms: tuple[Term, ...]
    expression: str | None = None
    """None: the only term itself."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One chart."""

    id: str
    title: str
    unit: Unit
    lines: tuple[Line, ...]


DELAY_SECONDS = 120
"""The rest of the minute in which something began, and the minute that figures take to reach CloudWatch."""


class Missing(StrEnum):
    """What an alarm makes of a period without data."""

    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"
    IGNORE = "ignore"
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One alarm: it fires when `datapoints` of the last `periods` periods are beyond the threshold."""

    kind: str
    """Its entry in docs/operations.md, and the last part of its name."""
    model: str | None
    part: str = ""
    """Tells several alarms of a kind apart; after the kind in the name."""
    line: Line
    comparison: str
    """GreaterThanThreshold, GreaterThanOrEqualToThreshold, LessThanThreshold, LessThanOrEqualToThreshold."""
    threshold: float
    period_seconds: int
    periods: int
    datapoints: int
    missing: Missing
    meaning: str
    """One sentence, shown with the alarm."""
    why_missing: str
    """Why a period without data is treated so."""
    notifies: bool = True
    """False: it only feeds a composite."""

    @property
    def fires_within(self) -> int:
        """Seconds from the beginning of the trouble, at most: docs/operations.md promises them."""
        return self.datapoints * self.period_seconds + DELAY_SECONDS

    @property
    def clears_within(self) -> int:
        """Seconds from the end of the trouble, at most."""
        return (self.periods - self.datapoints + 1) * self.period_seconds + DELAY_SECONDS


@dataclass(frozen=True, kw_only=True)
class Composite:
    """An alarm over a model's other alarms: it fires while any of them does, unless another explains it."""

    kind: str
    model: str
    any_of: tuple[str, ...]
    """Kinds of alarms of the same model."""
    unless: tuple[str, ...] = ()
    """While one of these fires, this one stays quiet: it would say the same again."""
    meaning: str
