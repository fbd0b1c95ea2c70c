"""Asks the releases every golden prompt once, and has the answers scored.

Both releases are asked at the same moment, so that what disturbs one disturbs the other. Whatever fails is
left out and told; a failure is never a score of 0.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from infra.environment.slots import Slot
from infra.quality.client import Ask, AskError
from infra.quality.pacing import Pace
from infra.quality.prompts import GoldenPrompt
from infra.quality.scoring import Scorer, Unscored


@dataclass(frozen=True, kw_only=True)
class Case:
    """What became of one prompt."""

    prompt: GoldenPrompt
    answers: Mapping[Slot, str] = field(default_factory=dict)
    errors: Mapping[Slot, str] = field(default_factory=dict)
    """Why a slot gave no answer."""
    scores: Mapping[Slot, float] = field(default_factory=dict)
    unscored: str = ""
    """Why the answers have no scores."""


def ignored(case: Case) -> None:
    """Nobody watches."""


async def evaluate(
    prompts: Sequence[GoldenPrompt],
    slots: Sequence[Slot],
    ask: Ask,
    scorer: Scorer,
    *,
    pace: Pace,
    watch: Callable[[Case], None] = ignored,
) -> tuple[Case, ...]:
    """A case for each prompt, in their order; `watch` sees each as soon as it is done."""

    async def one(prompt: GoldenPrompt) -> Case:
        async with pace:
            case = await _case(prompt, slots, ask, scorer)
        watch(case)
        return case

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(prompt)) for prompt in prompts]
    return tuple(task.result() for task in tasks)


async def _case(prompt: GoldenPrompt, slots: Sequence[Slot], ask: Ask, scorer: Scorer) -> Case:
    outcomes = await _both(prompt, slots, ask)
    answers = {slot: outcome for slot, outcome in outcomes.items() if isinstance(outcome, str)}
    errors = {slot: str(outcome) for slot, outcome in outcomes.items() if isinstance(outcome, AskError)}
    case = Case(prompt=prompt, answers=answers, errors=errors)
    if not answers:
        return case
    try:
        return replace(case, scores=await scorer.score(prompt, answers))
    except Unscored as error:
        return replace(case, unscored=str(error))


async def _both(prompt: GoldenPrompt, slots: Sequence[Slot], ask: Ask) -> Mapping[Slot, str | AskError]:
    found = await asyncio.gather(*(_asked(ask, slot, prompt) for slot in slots))
    return dict(zip(slots, found, strict=True))


async def _asked(ask: Ask, slot: Slot, prompt: GoldenPrompt) -> str | AskError:
    try:
        return await ask(slot, prompt)
    except AskError as error:
        return error
