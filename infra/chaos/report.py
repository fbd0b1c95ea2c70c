"""What a run came to, as one document."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from infra.chaos.drive import Story
from infra.chaos.types import Budget, Suite
from infra.chaos.verdict import Load, availability, cost, misses, recoveries


@dataclass(frozen=True, kw_only=True)
class Hit:
    """An injection and what became of it. Times in seconds."""

    at: float
    what: str
    instances: tuple[str, ...]
    recovery: float | None
    """Until all that were wanted were ready again; 0: none lacked; None: one still lacked at the end."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """A run of a suite."""

    suite: str
    environment: str
    model: str
    seed: int
    seconds: float
    offered: int
    succeeded: int
    failed: int
    truncated: int
    """Streams that broke off: some of the failed ones."""
    failures: Mapping[str, int]
    """By kind."""
    availability: float | None
    """Share of the looks with as many replicas ready as wanted; None: nobody could look."""
    cost: float | None
    """In US dollars, of the ready replicas; None: the file has no prices."""
    hits: tuple[Hit, ...]
    budget: Budget
    misses: tuple[str, ...]
    """What was over the budget; none: passed."""

    @property
    def passed(self) -> bool:
        """Whether it kept to its budget."""
        return not self.misses

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "passed": self.passed}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What was tested. Prices of a replica in US dollars an hour, if known."""

    environment: str
    model: str
    seed: int
    prices: tuple[float, float] | None
    """Spot, on demand."""


def report(suite: Suite, subject: Subject, story: Story, bench: Mapping[str, Any]) -> Report:
    """`bench`: the document of `llmctl bench`."""
    requests = bench["requests"]
    failures = {each["kind"]: each["count"] for each in bench["failures"]}
    load = Load(offered=requests["sent"], failed=requests["failed"], truncated=failures.get("truncated", 0))
    return Report(
        suite=suite.name,
        environment=subject.environment,
        model=subject.model,
        seed=subject.seed,
        seconds=suite.seconds,
        offered=load.offered,
        succeeded=requests["succeeded"],
        failed=load.failed,
        truncated=load.truncated,
        failures=failures,
        availability=availability(story.sightings),
        cost=cost(story.sightings, *subject.prices) if subject.prices else None,
        hits=_hits(story, recoveries(story)),
        budget=suite.budget,
        misses=misses(suite.budget, load, story),
    )


def _hits(story: Story, times: Sequence[float | None]) -> tuple[Hit, ...]:
    return tuple(
        Hit(at=done.at, what=done.do.words, instances=done.victims, recovery=time)
        for done, time in zip(story.done, times, strict=True)
    )
