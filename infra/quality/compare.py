"""Two releases on the same golden prompts: means, their difference with its uncertainty, and the gate's word.

Pure: the cases come from `evaluate`, the verdict is the quality gate's of a rollout, so that `llmctl compare`
says beforehand what a rollout would say.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.environment.rollout import Gate
from infra.environment.slots import Slot
from infra.quality.evaluate import Case
from infra.rollout.gates import judge
from infra.rollout.measured import Measured, Measurements, Window
from infra.rollout.types import GateSpec, Verdict

POINTS = 100
"""Scores are 0 to 1 inside, and 0 to 100 for people and gates."""
DEFAULT_GATE = Gate(worse_by=5, min_samples=10)
"""What is asked of a model whose file has the quality gate turned off."""
_CONFIDENCE = 0.95
_RESAMPLES = 2000
_SEED = 4


@dataclass(frozen=True, kw_only=True)
class Release:
    """One side of the comparison."""

    slot: Slot
    release: int


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is compared, and how."""

    environment: str
    model: str
    old: Release
    new: Release
    scorer: str
    prompts: str
    """The file."""
    skipped: int
    """Prompts without the key that the scorer needs."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """How one release did. Scores 0 to 100."""

    slot: Slot
    release: int
    mean: float | None
    """Over the prompts that both have a score for."""
    answered: int
    failed: int
    failures: Mapping[str, int]
    """How often each reason was given."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """New less old, in points, with the interval that holds the true one in `confidence` of all cases."""

    mean: float
    low: float
    high: float
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One prompt. Scores 0 to 100; None: there is none."""

    id: str
    question: str
    reference: str | None
    old: float | None
    new: float | None
    old_answer: str | None
    new_answer: str | None
    problem: str
    """Why a score is missing."""

    @property
    def difference(self) -> float | None:
        """New less old."""
        return None if self.old is None or self.new is None else self.new - self.old


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All there is to say."""

    subject: Subject
    at: str
    """When it was made, ISO 8601."""
    asked: int
    compared: int
    """Prompts with a score on both sides."""
    unscored: int
    """Prompts that were answered and could not be scored."""
    old: Side
    new: Side
    difference: Difference | None
    verdict: Verdict
    rows: tuple[Row, ...]
    """The most changed for the worse first, those without scores last."""


def gate_of(gate: Gate | None) -> GateSpec:
    """The quality gate of a model's file, or the default one."""
    chosen = DEFAULT_GATE if gate is None or gate.off else gate
    return GateSpec(
        gate="quality", limit=chosen.limit, worse_by=chosen.worse_by, min_samples=chosen.min_samples
    )


def compare(subject: Subject, cases: Sequence[Case], gate: GateSpec, *, at: str) -> Comparison:
    """What the cases say."""
    rows = [_row(subject, case) for case in cases]
    paired = [(row.id, row.old, row.new) for row in rows if row.old is not None and row.new is not None]
    old = {name: score / POINTS for name, score, _ in paired}
    new = {name: score / POINTS for name, _, score in paired}
    return Comparison(
        subject=subject,
        at=at,
        asked=len(cases),
        compared=len(paired),
        unscored=sum(bool(case.unscored) for case in cases),
        old=_side(subject.old, cases, old),
        new=_side(subject.new, cases, new),
        difference=difference(old, new),
        verdict=judged(gate, old, new),
        rows=tuple(sorted(rows, key=_worst_first)),
    )


def _row(subject: Subject, case: Case) -> Row:
    old, new = subject.old.slot, subject.new.slot
    sides = [each for each in (subject.old, subject.new) if each.slot in case.errors]
    problems = [f"release {each.release}: {case.errors[each.slot]}" for each in sides]
    return Row(
        id=case.prompt.id,
        question=case.prompt.text,
        reference=case.prompt.reference,
        old=_points(case.scores.get(old)),
        new=_points(case.scores.get(new)),
        old_answer=case.answers.get(old),
        new_answer=case.answers.get(new),
        problem="; ".join([*problems, case.unscored] if case.unscored else problems),
    )


def _side(release: Release, cases: Sequence[Case], scores: Mapping[str, float]) -> Side:
    failures = Counter(case.errors[release.slot] for case in cases if release.slot in case.errors)
    return Side(
        slot=release.slot,
        release=release.release,
        mean=POINTS * sum(scores.values()) / len(scores) if scores else None,
        answered=sum(release.slot in case.answers for case in cases),
        failed=failures.total(),
        failures=dict(failures.most_common()),
    )


def _worst_first(row: Row) -> tuple[bool, float, str]:
    change = row.difference
    return (change is None, change or 0.0, row.id)


def _points(score: float | None) -> float | None:
    return None if score is None else POINTS * score


def difference(old: Mapping[str, float], new: Mapping[str, float]) -> Difference | None:
    """Of the means over the same prompts; None with fewer than two.

    The interval is the percentile bootstrap over prompts (Efron 1979): both scores of a prompt stay together,
    because prompts differ far more than releases do. Seeded: the same scores give the same interval.
    """
    changes = [POINTS * (new[name] - old[name]) for name in sorted(old)]
    if len(changes) < 2:
        return None
    chance = random.Random(_SEED)  # noqa: S311 - chance, not secrets
    count = len(changes)
    means = sorted(sum(chance.choices(changes, k=count)) / count for _ in range(_RESAMPLES))
    tail = round(_RESAMPLES * (1 - _CONFIDENCE) / 2)
    return Difference(
        mean=sum(changes) / count, low=means[tail], high=means[-1 - tail], confidence=_CONFIDENCE
    )


def judged(gate: GateSpec, old: Mapping[str, float], new: Mapping[str, float]) -> Verdict:
    """What the quality gate of a rollout says of these scores at the end of a step."""
    measurements = Measurements(
        window=Window(since=0.0, until=0.0), old=Measured(scores=old), new=Measured(scores=new)
    )
    (verdict,) = judge((gate,), measurements, fraction=1.0)
    return verdict
