"""The story of a rollout as series and as a JSON document: the journal, arranged to be shown. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.rollout.codec import to_json
from infra.rollout.ports import Entry
from infra.rollout.types import Phase, Plan, Status, Verdict

_ON_THE_WAY = (Phase.SHIFTING, Phase.RETURNING)
"""Phases whose weight the load balancer doesn't have yet."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """A rollout, and all that was written down about it."""

    plan: Plan
    status: Status
    entries: tuple[Entry, ...]
    """Oldest first."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """What a gate measured at one time. None: nothing."""

    at: float
    """Epoch seconds."""
    new: float | None
    old: float | None
    limit: float | None


@dataclass(frozen=True, kw_only=True)
class Series:
    """One gate over time."""

    gate: str
    unit: str
    points: tuple[Point, ...]


def document(story: Story) -> str:
    """Plan, status and entries as JSON, as the journal has them: times are epoch seconds."""
    told: dict[str, Any] = {"plan": _plain(story.plan), "status": _plain(story.status)}
    told["entries"] = [_plain(entry) for entry in story.entries]
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def weights(story: Story) -> tuple[tuple[float, int], ...]:
    """(epoch seconds, weight of the new release), each lasting until the next."""
    found: list[tuple[float, int]] = []
    for entry in story.entries:
        status = entry.status
        if status is None or status.phase in _ON_THE_WAY:
            continue
        if not found or found[-1][1] != status.weight:
            found.append((entry.at, status.weight))
    return tuple(found)


def series(story: Story) -> tuple[Series, ...]:
    """What each gate measured over time; gates that never measured anything are left out."""
    found: dict[str, list[Point]] = {}
    units: dict[str, str] = {}
    for entry in story.entries:
        for verdict in entry.verdicts if entry.kind == "judged" else ():
            units[verdict.gate] = verdict.unit
            point = Point(at=entry.at, new=verdict.new, old=verdict.old, limit=verdict.limit)
            found.setdefault(verdict.gate, []).append(point)
    return tuple(
        Series(gate=gate, unit=units[gate], points=tuple(points))
        for gate, points in found.items()
        if any(point.new is not None or point.old is not None for point in points)
    )


def verdicts(story: Story) -> Mapping[int, tuple[Verdict, ...]]:
    """What the gates said last at each weight, in the order of the weights."""
    found = {
        entry.status.weight: entry.verdicts
        for entry in story.entries
        if entry.kind == "judged" and entry.status is not None
    }
    if story.status.failed:
        found[_failed_at(story)] = story.status.failed
    return dict(sorted(found.items()))


def end(story: Story) -> float:
    """When the last thing happened, epoch seconds."""
    return max([story.status.since, *(entry.at for entry in story.entries)])


def start(story: Story) -> float:
    """When the first thing happened, epoch seconds."""
    return min([story.status.since, *(entry.at for entry in story.entries)])


def _failed_at(story: Story) -> int:
    """The weight at which the rollout turned round: the last one that it had before."""
    forward = [entry.status.weight for entry in story.entries if entry.status and not entry.status.phase.back]
    return forward[-1] if forward else 0


def _plain(value: object) -> Any:
    return json.loads(to_json(value))
