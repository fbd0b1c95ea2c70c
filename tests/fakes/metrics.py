"""A recording fake of `infra.metrics.ports`: answers each line by a function, and keeps what it was asked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from infra.environment.slots import Market, Slot
from infra.metrics.ports import Point, Series
from infra.observability.serving import Serving
from infra.observability.types import Line, Sources

SOURCES = Sources(
    balancer="app/llmctl-test/1",
    target_groups={Slot.BLUE: "targetgroup/blue/1", Slot.GREEN: "targetgroup/green/1"},
    groups={(slot, market): f"{slot}-{market}" for slot in Slot for market in Market},
)


@dataclass
class FakeReader:
    """`value(line)` is the value in every period; None: there is no point at all."""

    value: Callable[[Line], float | None]
    published: dict[str, frozenset[Serving]] = field(default_factory=dict)
    asked: list[tuple[tuple[Line, ...], datetime, datetime, int]] = field(default_factory=list)

    def series(
        self, lines: Sequence[Line], *, since: datetime, until: datetime, period: int
    ) -> tuple[Series, ...]:
        """A point for each period."""
        self.asked.append((tuple(lines), since, until, period))
        count = int((until - since).total_seconds() // period)
        times = [since + timedelta(seconds=number * period) for number in range(count)]
        return tuple(Series(line=line, points=self._points(line, times)) for line in lines)

    def releases(self) -> Mapping[str, frozenset[Serving]]:
        """What published."""
        return self.published

    def _points(self, line: Line, times: Sequence[datetime]) -> tuple[Point, ...]:
        value = self.value(line)
        return () if value is None else tuple(Point(time, value) for time in times)


@dataclass
class FakeOrigins:
    """Sources as they are told."""

    found: dict[str, Sources]

    def sources(self) -> Mapping[str, Sources]:
        """By model."""
        return self.found
