"""What two releases did over one stretch of time: CloudWatch's numbers, in the judge's terms.

Counts, times and tokens come from the replicas, told apart by release; where an engine doesn't count its
errors, requests and errors both come from the load balancer, never one from each. A publication covers the
interval before it, so the first one after a shift is left out.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from infra.agent import catalogue
from infra.environment.base import seconds
from infra.environment.model import Environment
from infra.metrics.ports import Origins, Point, Reader, Series
from infra.observability.lines import BalancerLines, ReplicaLines
from infra.observability.serving import Serving
from infra.observability.types import Line, Sources
from infra.rollout.ladders import merged
from infra.rollout.measured import Distribution, Measured, Measurements, Window
from infra.rollout.types import Plan

LADDER = (0, 1, 5, 10, 25, 50, 75, 85, 90, 92, 93, 94, 95, 96, 97, 98, 99, 99.5, 100)
"""Percentiles that are asked for: close together where gates look."""
_TIMES = {"latency": catalogue.LATENCY, "ttft": catalogue.FIRST_TOKEN, "tpot": catalogue.PER_TOKEN}
_PERIODS = (5, 10, 30)
"""Below a minute CloudWatch has no others (and 1, which nobody publishes at)."""
_MINUTE = 60
_LATE = 2.0
"""Seconds that a publication may take to be readable."""


@dataclass
class ReleaseMetrics:
    """Implements `infra.rollout.ports.Metrics` for one model."""

    reader: Reader
    origins: Origins
    environment: Environment
    model: str
    _sources: Sources | None = field(default=None, init=False)

    def measure(self, plan: Plan, window: Window) -> Measurements:
        """Both releases over the whole periods within the window; nothing measured when there are none."""
        old = self._lines(Serving(plan.old_slot, plan.old_release))
        new = self._lines(Serving(plan.new_slot, plan.new_release))
        stretch = self._whole(window, plainly=old.plain and new.plain)
        if stretch is None:
            return Measurements(window=window, old=Measured(), new=Measured())
        since, until, period = stretch
        series = self.reader.series(
            [*old.all(), *new.all()],
            since=datetime.fromtimestamp(since, UTC),
            until=datetime.fromtimestamp(until, UTC),
            period=period,
        )
        split = len(old.all())
        return Measurements(
            window=Window(since=since, until=until),
            old=_measured(old, series[:split]),
            new=_measured(new, series[split:]),
        )

    def _whole(self, window: Window, *, plainly: bool) -> tuple[float, float, int] | None:
        """(since, until, period): only periods of which every publication is about the window."""
        interval = seconds(self.environment.monitoring.interval)
        period = next((each for each in _PERIODS if interval <= each), _MINUTE) if plainly else _MINUTE
        covered = window.since + (interval if plainly else 0)
        since = math.ceil(covered / period) * period
        until = math.floor((window.until - _LATE) / period) * period
        return (since, until, period) if since < until else None

    def _lines(self, serving: Serving) -> "_Lines":
        replicas = ReplicaLines(self.environment, self.model, serving)
        requests = replicas.statistic(catalogue.REQUESTS, "Sum", "requests")
        errors = replicas.statistic(catalogue.SERVER_ERRORS, "Sum", "errors")
        lines: dict[str, Line | None] = {"requests": requests, "errors": errors}
        if requests is None or errors is None:
            sources = self._at_balancer()
            both = BalancerLines(sources).slot_counts(serving.slot) if sources else (None, None)
            lines["requests"], lines["errors"] = both
        lines["failures"] = replicas.statistic(catalogue.ENGINE_FAILURES, "Sum", "failures")
        lines["tokens"] = replicas.statistic(catalogue.GENERATED_TOKENS, "Sum", "tokens")
        lines["worked"] = replicas.statistic(catalogue.LATENCY, "Sum", "worked")
        for name, metric in _TIMES.items():
            lines[f"{name} count"] = replicas.statistic(metric, "SampleCount", f"{name} count")
            for percent in LADDER:
                lines[f"{name} {percent}"] = replicas.statistic(metric, f"p{percent}", f"{name} {percent}")
        known = {name: line for name, line in lines.items() if line}
        return _Lines(known, plain=requests is not None and errors is not None)

    def _at_balancer(self) -> Sources | None:
        if self._sources is None:
            self._sources = self.origins.sources().get(self.model)
        return self._sources


@dataclass(frozen=True)
class _Lines:
    """What to ask of one release, by what it means."""

    lines: Mapping[str, Line]
    plain: bool
    """Whether all of it comes from the replicas."""

    def all(self) -> list[Line]:
        """In a fixed order."""
        return list(self.lines.values())


@dataclass(frozen=True)
class _Answers:
    """What was answered for one release."""

    points: Mapping[str, tuple[Point, ...]]

    def total(self, name: str) -> int | None:
        """Sum over the window; None if nobody told anything."""
        points = self.points.get(name, ())
        return round(sum(point.value for point in points)) if points else None

    def by_time(self, name: str) -> Mapping[datetime, float]:
        """Each period's value."""
        return {point.time: point.value for point in self.points.get(name, ())}


def _measured(lines: _Lines, series: Sequence[Series]) -> Measured:
    answers = _Answers({name: each.points for name, each in zip(lines.lines, series, strict=True)})
    requests, errors = answers.total("requests"), answers.total("errors")
    if requests is not None and errors is None and "errors" in lines.lines:
        errors = 0  # the balancer reports no zero
    times = {name: merged(list(_distributions(answers, name))) for name in _TIMES}
    return Measured(
        requests=requests,
        errors=errors if requests is not None else None,
        engine_failures=answers.total("failures"),
        times={name: each for name, each in times.items() if each.count},
        speeds=tuple(_speeds(answers)),
    )


def _distributions(answers: _Answers, name: str) -> Iterator[Distribution]:
    """One for each period."""
    rungs = {percent: answers.by_time(f"{name} {percent}") for percent in LADDER}
    for time, count in answers.by_time(f"{name} count").items():
        ladder = tuple((float(percent), values[time]) for percent, values in rungs.items() if time in values)
        if count and ladder:
            yield Distribution(count=round(count), ladder=ladder)


def _speeds(answers: _Answers) -> Iterator[float]:
    """Tokens for each second that a request was worked on, by periods.

    The seconds of all requests together are what Little's law calls the requests in flight, times the time:
    unlike tokens by replica, it does not fall merely because a canary gets little traffic.
    """
    worked = answers.by_time("worked")
    for time, tokens in answers.by_time("tokens").items():
        if worked.get(time, 0.0) > 0 and tokens > 0:
            yield tokens / worked[time]
