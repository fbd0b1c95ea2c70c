"""Every way from one phase to another, in words: what docs/rollouts.md shows, and tests hold the policy to.

`python -m infra.rollout.transitions` prints the part of that page between its markers.
"""

import inspect
import sys
from dataclasses import dataclass

from infra.rollout.types import Phase


@dataclass(frozen=True)
class Transition:
    """One way."""

    before: Phase
    after: Phase
    when: str


def _ways(before: Phase, *ways: tuple[Phase, str]) -> tuple[Transition, ...]:
    return tuple(Transition(before, after, when) for after, when in ways)


TRANSITIONS = (
    *_ways(
        Phase.PREPARING,
        (Phase.SCALING, "the old slot is held at its size, the new one is empty and pinned"),
        (Phase.RESTORING, "abort, watchdog"),
    ),
    *_ways(
        Phase.SCALING,
        (Phase.SHIFTING, "as many new replicas as the weight needs are healthy at the balancer"),
        (Phase.PAUSED, "pause"),
        (Phase.RESTORING, "no capacity in time, a gate fails, abort, watchdog"),
    ),
    *_ways(
        Phase.SHIFTING,
        (Phase.BAKING, "the balancer's API tells the new weight"),
        (
            Phase.SCALING,
            "the same, of a part of the step: with `surge` the rest needs the place of old replicas",
        ),
        (Phase.RESTORING, "abort, watchdog"),
    ),
    *_ways(
        Phase.BAKING,
        (Phase.SCALING, "all gates pass after the bake, or promote: the next step"),
        (Phase.KEEPING, "the same at the last step: the new release is recorded as live"),
        (Phase.PAUSED, "the step asks for a person, too few samples for too long, pause"),
        (Phase.RESTORING, "a gate fails, replicas are missing for too long, abort, watchdog"),
    ),
    *_ways(
        Phase.PAUSED,
        (Phase.SCALING, "promote, or resume: the next step, or this one's replicas"),
        (Phase.BAKING, "resume: the step bakes anew"),
        (Phase.KEEPING, "promote at the last step"),
        (Phase.RESTORING, "a gate fails, abort"),
    ),
    *_ways(
        Phase.KEEPING,
        (Phase.DRAINING, "`keep_previous` is over, or the next rollout needs the slot"),
        (Phase.RESTORING, "rollback: the old replicas are there, so it takes one call"),
    ),
    *_ways(
        Phase.DRAINING,
        (Phase.DONE, "the old slot is empty"),
        (Phase.RESTORING, "rollback: the old replicas have to start first"),
    ),
    *_ways(
        Phase.RESTORING,
        (Phase.RETURNING, "the old slot can carry more than it does"),
        (Phase.CLEARING, "the new slot never had traffic"),
    ),
    *_ways(
        Phase.RETURNING,
        (Phase.RESTORING, "a part is back; the rest waits for old replicas"),
        (Phase.CLEARING, "all traffic is back, and the old release is recorded as live"),
    ),
    *_ways(Phase.CLEARING, (Phase.ROLLED_BACK, "the new slot is empty")),
)


def text() -> str:
    """A diagram, what each phase means, and every transition, in Markdown."""
    return "\n".join([_diagram(), _phases(), _table()])


def _diagram() -> str:
    names = {phase: phase.value.replace(" ", "_") for phase in Phase}
    lines = [f"    [*] --> {names[Phase.PREPARING]}"]
    lines += [f"    {names[each.before]} --> {names[each.after]}" for each in TRANSITIONS]
    lines += [f"    {names[phase]} --> [*]" for phase in Phase if phase.ended]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```", ""])


def _phases() -> str:
    rows = [f"| {phase.value} | {meaning} |" for phase, meaning in meanings().items()]
    return "\n".join(["| phase | meaning |", "|---|---|", *rows, ""])


def _table() -> str:
    rows = [f"| {each.before.value} | {each.after.value} | {each.when} |" for each in TRANSITIONS]
    return "\n".join(["| from | to | when |", "|---|---|---|", *rows, ""])


def meanings() -> dict[Phase, str]:
    """What each phase means: the line below it in its class."""
    lines = [line.strip() for line in inspect.getsource(Phase).splitlines()]
    return {
        phase: lines[lines.index(f'{phase.name} = "{phase.value}"') + 1].strip('"').rstrip(".")
        for phase in Phase
    }


if __name__ == "__main__":
    sys.stdout.write(text())
