"""Where metrics are read from. `infra/aws/metrics.py` implements it with CloudWatch; tests have a fake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from infra.observability.serving import Serving
from infra.observability.types import Line, Sources


@dataclass(frozen=True)
class Point:
    """One value; `time` is the beginning of its period."""

    time: datetime
    value: float


@dataclass(frozen=True, kw_only=True)
class Series:
    """What a line's metric was, oldest first. A period in which nothing was measured has no point."""

    line: Line
    points: tuple[Point, ...]


class Reader(Protocol):
    """Reads metrics."""

    def series(
        self, lines: Sequence[Line], *, since: datetime, until: datetime, period: int
    ) -> tuple[Series, ...]:
        """One series for each line, in their order; its periods have `period` seconds.

        Raises `LlmctlError` when the metrics can't be read.
        """

    def releases(self) -> Mapping[str, frozenset[Serving]]:
        """Releases that published metrics within the last hours, by model."""


class Origins(Protocol):
    """Knows the names under which AWS keeps its own metrics of a model."""

    def sources(self) -> Mapping[str, Sources]:
        """By model, for all models whose target groups exist; empty when nothing is deployed."""
