"""A rollout goes forward and ends with all the traffic; what it is judged by can be measured, and matters."""

from collections.abc import Iterator
from itertools import pairwise

from infra.environment.base import seconds
from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.document import Place
from infra.environment.model import Model
from infra.environment.rollout import Gate, Gates, Golden, Rollout

_LONGEST_PROPAGATION = 600
_LONGEST_KEPT = 24 * 3600
_ASKED = ("embedding", "judge")
"""Scorers that ask a model."""


def _check(subject: Subject) -> Iterator[Finding]:
    for name, model, _ in subject.models:
        place = ("models", name, "rollout")
        yield from _steps(subject, place, model.rollout)
        yield from _unused(subject, place, model.rollout)
        yield from _times(place, model.rollout)
        yield from _gates(subject, place, model)
        if model.rollout.golden:
            yield from _golden(subject, (*place, "golden"), model.rollout.golden)


def _steps(subject: Subject, place: Place, rollout: Rollout) -> Iterator[Finding]:
    steps = rollout.steps
    for index, (before, step) in enumerate(pairwise(steps), start=1):
        if step <= before:
            yield Finding(
                place=(*place, "steps", index),
                what=f"{step} comes after {before}",
                why="each step moves more traffic to the new release",
                allowed="rising percentages, such as [5, 25, 50, 100]",
                hint=f"did you mean {sorted({*steps, 100})}?",
            )
    if steps[-1] != 100:
        yield Finding(
            place=(*place, "steps", len(steps) - 1),
            what=f"the last step is {steps[-1]}",
            why="the rollout would never be complete",
            allowed="rising percentages that end with 100",
            hint=f"did you mean {sorted({*steps, 100})}?",
        )
    reached = steps if rollout.strategy == "canary" else (100,)
    for index, pause in enumerate(rollout.pause_at):
        if pause not in reached and rollout.strategy != "all-at-once":
            yield Finding(
                place=(*place, "pause_at", index),
                what=f"{pause} is no step",
                why="a rollout pauses after one of its steps",
                allowed=", ".join(map(str, reached)),
            )


def _unused(subject: Subject, place: Place, rollout: Rollout) -> Iterator[Finding]:
    """Keys that the strategy makes nothing of, and a strategy that protection forbids."""
    strategy = rollout.strategy
    if strategy == "all-at-once" and subject.environment.protect:
        yield Finding(
            place=(*place, "strategy"),
            what="all-at-once isn't for a protected environment",
            why="it gives all the traffic to a release that nothing has judged",
            allowed="canary, blue-green",
        )
    unused = {"blue-green": ("steps",), "all-at-once": ("steps", "bake", "pause_at", "gates", "golden")}
    for key in unused.get(strategy, ()):
        if subject.given(*place, key):
            yield Finding(
                place=(*place, key),
                at_key=True,
                what=f"{strategy} has no {key}",
                why="nothing would act on it",
                hint=f"remove {key}, or use another strategy",
            )
    if strategy != "all-at-once" and not seconds(rollout.bake) and subject.given(*place, "gates"):
        yield Finding(
            place=(*place, "gates"),
            at_key=True,
            what="no step is judged",
            why="with a bake of 0s there is no time to measure",
            hint="set rollout.bake, or remove gates",
        )


def _times(place: Place, rollout: Rollout) -> Iterator[Finding]:
    if seconds(rollout.propagation) > _LONGEST_PROPAGATION:
        yield Finding(
            place=(*place, "propagation"),
            what=f"{rollout.propagation} is too long",
            why="a load balancer carries new weights to its nodes within a minute or so",
            allowed="0s to 10m",
        )
    if seconds(rollout.keep_previous) > _LONGEST_KEPT:
        yield Finding(
            place=(*place, "keep_previous"),
            what=f"{rollout.keep_previous} is too long",
            why="the old replicas are paid for, and the next rollout needs their slot",
            allowed="0s to 24h",
        )


def _gates(subject: Subject, place: Place, model: Model) -> Iterator[Finding]:
    gates, golden = model.rollout.gates, model.rollout.golden
    for key in gates.__struct_fields__:
        gate: Gate | None = getattr(gates, key)
        if gate is None or gate.off or not subject.given(*place, "gates", key):
            continue
        if gate.limit is None and gate.worse_by is None:
            yield Finding(
                place=(*place, "gates", key),
                what="it has neither limit nor worse_by",
                why="no release could ever fail it",
                hint="set one of them, or `off: true`",
            )
        unscored = golden is None or golden.quality is None
        if key == "quality" and unscored and gate != Gates().quality:
            yield Finding(
                place=(*place, "gates", key),
                what="nothing scores answers",
                why="the gate compares scores of the answers to golden prompts",
                hint="set rollout.golden.quality, or remove the gate",
            )


def _golden(subject: Subject, place: Place, golden: Golden) -> Iterator[Finding]:
    path = subject.document.path.parent / golden.prompts
    if not path.is_file():
        yield Finding(
            place=(*place, "prompts"),
            what=f"there is no file {golden.prompts}",
            why="the golden prompts are looked for beside this file",
            allowed="a path that is relative to the folder of this file",
        )
    quality = golden.quality
    if quality is None:
        return
    for key in ("url", "model"):
        written = getattr(quality, key) is not None
        if quality.scorer in _ASKED and not written:
            yield Finding(
                place=(*place, "quality", "scorer"),
                what=f"{quality.scorer} needs {key}",
                why="it asks a model at an OpenAI-compatible URL",
                hint=f"set quality.{key}",
            )
    for key in ("url", "model", "api_key_env"):
        if quality.scorer not in _ASKED and getattr(quality, key) is not None:
            yield Finding(
                place=(*place, "quality", key),
                at_key=True,
                what=f"{quality.scorer} asks no model",
                why="nothing would act on it",
                hint=f"remove {key}",
            )


RULE = Rule(
    id="rollout",
    summary="`steps` rise, and end with 100; pauses are steps; nothing is set that the strategy doesn't use; "
    "gates can fail; golden prompts are there.",
    check=_check,
)
