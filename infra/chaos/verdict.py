"""Whether a run kept to its budget; pure. What was not measured is a miss, not a pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from infra.chaos.drive import Done, Story
from infra.chaos.types import Budget, Sighting


@dataclass(frozen=True, kw_only=True)
class Load:
    """What became of the requests."""

    offered: int
    failed: int
    truncated: int


def availability(sightings: Sequence[Sighting]) -> float | None:
    """Share of sightings with enough replicas; None: nothing was seen."""
    return sum(seen.enough for seen in sightings) / len(sightings) if sightings else None


def recovery(sightings: Sequence[Sighting], since: float, until: float) -> float | None:
    """Seconds from an injection to the last lack before `until`; 0: none lacked; None: it still lacks."""
    after = [seen for seen in sightings if since <= seen.at < until]
    lacks = [index for index, seen in enumerate(after) if not seen.enough]
    if not lacks:
        return 0.0 if after else None
    back = lacks[-1] + 1
    return after[back].at - since if back < len(after) else None


def recoveries(story: Story) -> tuple[float | None, ...]:
    """The recovery time of each injection, up to the next one; those at the same time share theirs."""
    return tuple(
        recovery(story.sightings, done.at, _end(story, done.at, story.done[number + 1 :]))
        for number, done in enumerate(story.done)
    )


def _end(story: Story, since: float, later: Sequence[Done]) -> float:
    """When the next injection comes, of those before which anything was seen."""
    looks = [seen.at for seen in story.sightings if seen.at >= since]
    return next((done.at for done in later if looks and looks[0] < done.at), float("inf"))


def cost(sightings: Sequence[Sighting], spot: float, on_demand: float) -> float:
    """What the ready replicas cost between the first and the last sighting; prices are an hour's."""
    hours = [(after.at - seen.at) / 3600 for seen, after in pairwise(sightings)]
    return sum(
        hour * sum(spot if replica.spot else on_demand for replica in seen.replicas)
        for hour, seen in zip(hours, sightings, strict=False)
    )


def misses(budget: Budget, load: Load, story: Story) -> tuple[str, ...]:
    """What was over the budget, in words; none: passed."""
    there = availability(story.sightings)
    times = recoveries(story)
    slowest = None if None in times else max((time for time in times if time is not None), default=0.0)
    failed = load.failed / load.offered if load.offered else None
    found = [
        _over("failed share", failed, budget.failed),
        _over("truncated streams", load.truncated, budget.truncated),
        _over("recovery seconds", slowest, budget.recovery),
    ]
    if budget.availability is not None and (there is None or there < budget.availability):
        found.append(f"availability {_said(there)}, wanted {budget.availability:g}")
    return tuple(miss for miss in found if miss)


def _over(name: str, value: float | None, allowed: float | None) -> str | None:
    if allowed is None or (value is not None and value <= allowed):
        return None
    return f"{name} {_said(value)}, allowed {allowed:g}"


def _said(value: float | None) -> str:
    return "not known" if value is None else f"{value:.4g}"
