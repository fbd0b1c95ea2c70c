"""A rollout goes forward, and ends with all the traffic."""

from collections.abc import Iterator
from itertools import pairwise

from infra.environment.checks.base import Finding, Rule, Subject


def _check(subject: Subject) -> Iterator[Finding]:
    for name, model, _ in subject.models:
        steps = model.rollout.steps
        for index, (before, step) in enumerate(pairwise(steps), start=1):
            if step <= before:
                yield Finding(
                    place=("models", name, "rollout", "steps", index),
                    what=f"{step} comes after {before}",
                    why="each step moves more traffic to the new release",
                    allowed="rising percentages, such as [5, 25, 50, 100]",
                    hint=f"did you mean {sorted({*steps, 100})}?",
                )
        if steps[-1] != 100:
            yield Finding(
                place=("models", name, "rollout", "steps", len(steps) - 1),
                what=f"the last step is {steps[-1]}",
                why="the rollout would never be complete",
                allowed="rising percentages that end with 100",
                hint=f"did you mean {sorted({*steps, 100})}?",
            )


RULE = Rule(id="rollout", summary="`steps` rise, and end with 100.", check=_check)
