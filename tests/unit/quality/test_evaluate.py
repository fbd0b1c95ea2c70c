"""Asking both releases and scoring what they say, in virtual time."""

import asyncio

import pytest

from infra.environment.slots import Slot
from infra.quality.client import AskError
from infra.quality.evaluate import Case, evaluate
from infra.quality.pacing import Pace
from infra.quality.prompts import GoldenPrompt
from infra.quality.scoring import Answers, Pointwise, Scores, Unscored
from infra.quality.texts import exact
from tests.unit.bench.virtual_time import run

PROMPTS = tuple(GoldenPrompt(id=str(number), ask="Why?", reference="yes") for number in range(4))
BOTH = (Slot.BLUE, Slot.GREEN)
EXACT = Pointwise(exact)


async def agree(slot: Slot, prompt: GoldenPrompt) -> str:
    """Blue is always right, green for even numbers."""
    if slot is Slot.GREEN and int(prompt.id) % 2:
        return "no"
    return "yes"


def test_each_prompt_is_a_case_with_both_scores() -> None:
    """In the file's order, whichever is answered first; each is shown as soon as it is done."""
    seen: list[Case] = []
    cases = run(evaluate(PROMPTS, BOTH, agree, EXACT, pace=Pace(at_once=2, rate=10), watch=seen.append))
    assert [case.prompt.id for case in cases] == ["0", "1", "2", "3"]
    assert [case.scores for case in cases[:2]] == [
        {Slot.BLUE: 1, Slot.GREEN: 1},
        {Slot.BLUE: 1, Slot.GREEN: 0},
    ]
    assert len(seen) == 4


def test_a_release_that_fails_has_no_score() -> None:
    """A failure is the error gate's business; counted as 0 it would be blamed twice."""

    async def ask(slot: Slot, prompt: GoldenPrompt) -> str:
        if slot is Slot.GREEN:
            raise AskError("status 500")
        return "yes"

    (case,) = run(evaluate(PROMPTS[:1], BOTH, ask, EXACT, pace=Pace(at_once=1, rate=1)))
    assert case.scores == {Slot.BLUE: 1}
    assert case.errors == {Slot.GREEN: "status 500"}


def test_what_the_scorer_cannot_score_is_left_out_and_told() -> None:
    """No score is not a score of 0, and the other prompts go on."""

    class Moody:
        async def score(self, prompt: GoldenPrompt, answers: Answers) -> Scores:
            if prompt.id == "0":
                raise Unscored("the judge: status 503")
            return dict.fromkeys(answers, 1.0)

    first, second = run(evaluate(PROMPTS[:2], BOTH, agree, Moody(), pace=Pace(at_once=1, rate=1)))
    assert (first.scores, first.unscored) == ({}, "the judge: status 503")
    assert second.scores == {Slot.BLUE: 1, Slot.GREEN: 1}


def test_nobody_is_scored_when_nobody_answers() -> None:
    """There is nothing to show to a scorer."""

    async def ask(slot: Slot, prompt: GoldenPrompt) -> str:
        raise AskError("no answer within 1 s")

    (case,) = run(evaluate(PROMPTS[:1], BOTH, ask, EXACT, pace=Pace(at_once=1, rate=1)))
    assert case.scores == {}
    assert set(case.errors) == set(BOTH)


def test_the_rate_is_a_cap() -> None:
    """Golden prompts must not crowd out users: evenly, and never saved up."""
    at: list[float] = []

    async def ask(slot: Slot, prompt: GoldenPrompt) -> str:
        at.append(asyncio.get_running_loop().time())
        return "yes"

    run(evaluate(PROMPTS, (Slot.BLUE,), ask, EXACT, pace=Pace(at_once=9, rate=2)))
    assert at == pytest.approx([0, 0.5, 1, 1.5])


def test_so_many_are_asked_at_once() -> None:
    """A release that answers slowly isn't asked ever more at the same time."""
    running: list[int] = []
    now = 0

    async def ask(slot: Slot, prompt: GoldenPrompt) -> str:
        nonlocal now
        now += 1
        running.append(now)
        await asyncio.sleep(10)
        now -= 1
        return "yes"

    run(evaluate(PROMPTS, (Slot.BLUE,), ask, EXACT, pace=Pace(at_once=2, rate=100)))
    assert max(running) == 2
