"""What a scorer is: answers in, a score from 0 to 1 for each out, or an honest "not this one"."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from infra.environment.slots import Slot
from infra.quality.prompts import GoldenPrompt

Answers = Mapping[Slot, str]
Scores = Mapping[Slot, float]


class Unscored(Exception):  # noqa: N818 - a result, not a fault
    """There is no score for this prompt, which is not a score of 0; the message says why."""


class Scorer(Protocol):
    """One way to score."""

    async def score(self, prompt: GoldenPrompt, answers: Answers) -> Scores:
        """A score for each answer; raises `Unscored`."""


@dataclass(frozen=True)
class Pointwise:
    """A scorer that looks at each answer alone, and asks nobody."""

    measure: Callable[[GoldenPrompt, str], float]

    async def score(self, prompt: GoldenPrompt, answers: Answers) -> Scores:
        """Each answer's."""
        return {slot: self.measure(prompt, answer) for slot, answer in answers.items()}
