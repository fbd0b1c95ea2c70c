"""What `llmctl metrics` shows: a row for each model and each of its releases. Pure but for asking the reader.

A rate or a percentile is over the whole window (percentiles of minutes can't be averaged, so the window is
asked for as a single period); a state, such as the number of replicas, is the newest. What was not measured
is None and never zero.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from infra.agent.catalogue import NAMESPACE
from infra.environment.model import Environment
from infra.environment.slots import Slot
from infra.metrics.ports import Point, Reader, Series
from infra.metrics.window import Window
from infra.observability.figures import Serving, figures
from infra.observability.types import Figure, Line, Sources, Unit


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number of a row, with how it went."""

    value: float | None
    unit: Unit
    points: tuple[Point, ...]
    """By periods, oldest first."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A model, or one of its releases in a slot (`slot` and `release` are None for the model)."""

    model: str
    slot: Slot | None
    release: int | None
    live: bool
    """Whether this is what the model's traffic goes to by the records."""
    measures: Mapping[str, Measure]
    """By name, see `MEASURES`; without those that this engine doesn't tell."""
    note: str = ""
    """Why there is nothing to see, if there isn't."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """All rows of an environment over one window."""

    environment: str
    since: datetime
    until: datetime
    period_seconds: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class Target:
    """A model with what is known of it before any metric is read."""

    model: str
    sources: Sources
    releases: tuple[Serving, ...]
    live: Serving | None


@dataclass(frozen=True)
class _Choice:
    """Where a measure comes from: the first figure that is there; its newest point, or the whole window."""

    places: tuple[tuple[str, str], ...]
    """(figure id, line label); {slot} stands for the live slot."""
    newest: bool = False


def _whole(*places: tuple[str, str]) -> _Choice:
    return _Choice(places)


MEASURES: dict[str, _Choice] = {
    "requests": _whole(("requests", "all")),
    "errors": _whole(("error_rate", "5xx"), ("error_rate", "failed")),
    **{
        f"latency_{each}": _whole(("latency", each), ("response_time", f"{each} {{slot}}"))
        for each in ("p50", "p95", "p99")
    },
    "ttft_p50": _whole(("ttft", "p50")),
    "ttft_p95": _whole(("ttft", "p95")),
    "ttft_p99": _whole(("ttft", "p99")),
    "tpot_p50": _whole(("tpot", "p50")),
    "tpot_p95": _whole(("tpot", "p95")),
    "tokens_generated": _whole(("tokens", "generated")),
    "tokens_prompt": _whole(("tokens", "prompt")),
    "in_flight": _whole(("load", "in flight")),
    "queued": _whole(("load", "waiting")),
    "kv_cache": _whole(("kv_cache", "average")),
    "gpu": _whole(("gpu", "use")),
    "replicas": _Choice((("replicas", "in service"),), newest=True),
    "cost": _Choice((("cost", "instances"),), newest=True),
    "cost_per_million": _whole(("cost_per_million", "per million generated tokens")),
}
"""What a row may have. Requests and tokens are per second, errors in percent, times in seconds, requests in
flight and waiting per replica, costs in dollars (an hour; a million generated tokens)."""


def summarise(environment: Environment, targets: Sequence[Target], reader: Reader, window: Window) -> Summary:
    """Read what the rows need, all series in one go and all totals in another, and make the rows."""
    plans = [plan for target in targets for plan in _plans(environment, target)]
    lines = [line for plan in plans for _, line, _ in plan.wanted]
    with ThreadPoolExecutor(max_workers=2) as pool:
        series = pool.submit(
            reader.series, lines, since=window.since, until=window.latest, period=window.period
        )
        totals = pool.submit(
            reader.series, lines, since=window.since, until=window.until, period=window.seconds
        )
        found = iter(list(zip(series.result(), totals.result(), strict=True)))
    rows = [_row(environment, plan, list(islice(found, len(plan.wanted)))) for plan in plans]
    return Summary(
        environment=environment.environment,
        since=window.since,
        until=window.until,
        period_seconds=window.period,
        rows=tuple(row for row in rows if row.release is None or _has_points(row)),
    )


@dataclass(frozen=True)
class _Plan:
    target: Target
    release: Serving | None
    wanted: tuple[tuple[str, Line, Unit], ...]
    """(measure, its line, its unit)."""


def _plans(environment: Environment, target: Target) -> list[_Plan]:
    plans = []
    for release in (None, *target.releases):
        found = figures(environment, target.model, target.sources, release=release)
        plans.append(_Plan(target, release, _wanted(found, target.live)))
    return plans


def _wanted(found: Sequence[Figure], live: Serving | None) -> tuple[tuple[str, Line, Unit], ...]:
    by_place = {(figure.id, line.label): (line, figure.unit) for figure in found for line in figure.lines}
    slot = live.slot if live else Slot.BLUE
    wanted = []
    for name, choice in MEASURES.items():
        places = [(figure, label.format(slot=slot)) for figure, label in choice.places]
        if place := next((each for each in places if each in by_place), None):
            wanted.append((name, *by_place[place]))
    return tuple(wanted)


def _row(environment: Environment, plan: _Plan, answers: Sequence[tuple[Series, Series]]) -> Row:
    measures = {
        name: Measure(
            value=_value(series.points if MEASURES[name].newest else total.points),
            unit=unit,
            points=series.points,
        )
        for (name, _, unit), (series, total) in zip(plan.wanted, answers, strict=True)
    }
    release = plan.release
    return Row(
        model=plan.target.model,
        slot=release.slot if release else None,
        release=release.release if release else None,
        live=release is not None and release == plan.target.live,
        measures=measures,
        note="" if release else _note(environment, plan, measures),
    )


def _value(points: Sequence[Point]) -> float | None:
    return points[-1].value if points else None


def _has_points(row: Row) -> bool:
    return row.live or any(measure.points for measure in row.measures.values())


def _note(environment: Environment, plan: _Plan, measures: Mapping[str, Measure]) -> str:
    """Why a model's numbers are missing, or not what they seem to be."""
    if plan.target.live is None:
        return "no release is live"
    if not measures["requests"].value:
        replicas = measures["replicas"].value
        if replicas is None:
            return "no metrics in this time"
        return "no requests in this time" + ("" if replicas else ", no replica in service")
    ours = [name for name, line, _ in plan.wanted if _is_ours(line)]
    if ours and not any(measures[name].points for name in ours):
        return "the replicas have published no metrics in this time"
    if "latency_p50" not in ours:
        engine = environment.models[plan.target.model].engine.name
        return f"the engine {engine} tells no latency: it is the time until an answer begins"
    return ""


def _is_ours(line: Line) -> bool:
    return all(term.namespace == NAMESPACE for term in line.terms)
