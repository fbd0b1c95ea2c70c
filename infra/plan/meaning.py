"""What a plan means, in the words of the environment file. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from infra.environment.base import seconds
from infra.environment.model import Environment, Model
from infra.plan.changes import ResourceChange
from infra.plan.values import Difference, as_text, differences

SHARED = ""
"""Stands for the model of what belongs to no single one."""
_RELEASE = "aws_launch_template"
_WORDS: Mapping[str, str] = {
    "source": "weights",
    "engine.name": "engine",
    "engine.version": "engine version",
    "replicas.min": "min replicas",
    "replicas.max": "max replicas",
    "instances.types": "instance types",
    "instances.zones": "zones",
}
"""Keys that read better under another name."""
_A_WHILE = 100
"""Seconds from which a time is told in minutes."""


@dataclass(frozen=True)
class Statement:
    """One sentence about one model, or about what is shared (`SHARED`)."""

    model: str
    text: str


def meaning(
    before: Environment | None, after: Environment, changes: Sequence[ResourceChange]
) -> tuple[Statement, ...]:
    """What changes for those who use the environment; nothing when nothing does.

    `before`: what was last applied, None if there is no record of it.
    """
    return tuple(_statements(before, after, changes))


def _statements(
    before: Environment | None, after: Environment, changes: Sequence[ResourceChange]
) -> Iterator[Statement]:
    released = {change.model for change in changes if change.type == _RELEASE}
    if before is None:
        yield from _first(after, changes)
    else:
        if shared := _phrases(_spec(before, "models"), _spec(after, "models")):
            yield Statement(SHARED, ", ".join(shared))
        for name in before.models.keys() - after.models.keys():
            yield Statement(name, f"removed; it had {_size(before.models[name])}")
        for name, model in after.models.items():
            yield from _model(name, before.models.get(name), model, released=name in released)
    if changes:
        yield Statement(SHARED, _destroyed(changes))


def _first(after: Environment, changes: Sequence[ResourceChange]) -> Iterator[Statement]:
    """Without a record: either nothing is there yet, or an older llmctl made what is."""
    if any(change.action != "create" for change in changes):
        yield Statement(SHARED, "what was applied last is not on record, so only resources can be compared")
        return
    if changes:
        yield Statement(SHARED, f"a new environment in {after.provider.region}")
        for name, model in after.models.items():
            yield Statement(name, _new(model))


def _model(name: str, before: Model | None, after: Model, *, released: bool) -> Iterator[Statement]:
    if before is None:
        yield Statement(name, _new(after))
        return
    phrases = _phrases(_spec(before), _spec(after))
    if released:
        phrases.append(_rollout(after))
    if phrases:
        yield Statement(name, ", ".join(phrases))


def _new(model: Model) -> str:
    return f"new: {model.engine.name} {model.engine.version} serves {model.source}, {_size(model)}"


def _size(model: Model) -> str:
    least, most = model.replicas.min, model.replicas.max
    return f"{least} replicas" if least == most else f"{least} to {most} replicas"


def _rollout(model: Model) -> str:
    """How the new release takes over, and how long that takes if no gate objects: cold starts come on top."""
    rollout = model.rollout
    if rollout.strategy == "all-at-once":
        return "a new release, which takes all traffic at once and is not judged"
    steps = rollout.steps if rollout.strategy == "canary" else (100,)
    takes = len(steps) * (seconds(rollout.bake) + seconds(rollout.propagation))
    about = f"{takes} s" if takes < _A_WHILE else f"{takes / 60:.0f} min"
    how = f"a new release rolls out in {len(steps)} step{'s'[: len(steps) > 1]} over about {about}"
    pauses = [f"{step} %" for step in rollout.pause_at]
    return how + (f", waiting for a person at {' and '.join(pauses)}" if pauses else "")


def _destroyed(changes: Sequence[ResourceChange]) -> str:
    gone = [change for change in changes if change.action.destroys]
    if not gone:
        return "nothing is replaced or deleted"
    replaced = sum(change.action == "replace" for change in gone)
    told = [(replaced, "replaced"), (len(gone) - replaced, "deleted")]
    counts = " and ".join(f"{count} {what}" for count, what in told if count)
    return f"{counts}, of the resources that are there"


def _spec(section: Any, *left_out: str) -> dict[str, Any]:
    spec = msgspec.json.decode(msgspec.json.encode(section))
    return {key: value for key, value in spec.items() if key not in left_out}


def _phrases(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [_phrase(each) for each in differences(before, after)]


def _phrase(difference: Difference) -> str:
    name = _WORDS.get(difference.path, difference.path)
    before, after = difference.before, difference.after
    if isinstance(before, list) and isinstance(after, list):
        moved = [f"+{as_text(each)}" for each in after if each not in before]
        moved += [f"-{as_text(each)}" for each in before if each not in after]
        return f"{name} {' '.join(moved) or 'in another order'}"
    return f"{name} {as_text(before)} -> {as_text(after)}"
