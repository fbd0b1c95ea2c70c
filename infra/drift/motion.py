"""What Terraform leaves alone by design: weights, sizes, releases, replicas. Pure.

While a rollout goes on its driver moves the model, so what is seen then is expected, or tells that nobody
drives it where somebody should.
"""

from collections.abc import Iterator
from datetime import datetime

from infra.deploy.motion import DropSchedule, Forget, GoLive, Pin, PutSchedule, Resize, Step, steps
from infra.deploy.observe import interpret
from infra.deploy.types import Facts, Group, Health, ModelState
from infra.drift.types import Finding, Kind
from infra.environment.capacity import bounds
from infra.environment.model import Environment, Model
from infra.rollout.types import Phase

_ALL = 100
_DEPLOY = "`llmctl deploy` puts it back"
_FINISHED = "the watchdog finishes it"
_BY_ITSELF = {
    Phase.PAUSED: "waits for somebody's word",
    Phase.KEEPING: "the old release stays warm, until the watchdog gives it up",
    Phase.DRAINING: _FINISHED,
    Phase.RESTORING: _FINISHED,
    Phase.RETURNING: _FINISHED,
    Phase.CLEARING: _FINISHED,
}
"""Phases that need no driver, and what goes on in them: as infra/watchdog/duty.py has it."""


def motion(environment: Environment, facts: Facts, now: datetime) -> Iterator[Finding]:
    """Everything that isn't where the file and the runtime table say."""
    for step in steps(environment, facts, now):
        yield _of_step(step, facts)
    for model in interpret(environment, facts).models:
        yield from _rollout(model) if model.rollout else _at_rest(model)
        yield from _groups(environment.models[model.name], model, facts)


def _of_step(step: Step, facts: Facts) -> Finding:
    """What a deploy would move, and who moved it away."""
    match step:
        case GoLive(model=model) | Forget(model=model):
            return Finding(
                kind=Kind.WAITING, model=model, what=model, found=str(step), hint="`llmctl deploy`"
            )
        case Pin(group=name) | Resize(group=name) | PutSchedule(group=name) | DropSchedule(group=name):
            group = next(each for each in facts.groups if each.name == name)
            wanted = str(step).removeprefix(f"{name}: ")
            return Finding(
                kind=Kind.MANUAL,
                model=group.model,
                what=name,
                found=f"{_as_it_is(step, group)}; as told: {wanted}",
                hint=_DEPLOY,
            )


def _as_it_is(step: Step, group: Group) -> str:
    if isinstance(step, Pin):
        return f"boots release {group.release}"
    if isinstance(step, Resize):
        return f"{group.desired} replicas, at least {group.min}"
    return f"{len(group.schedules)} schedules"


def _rollout(model: ModelState) -> Iterator[Finding]:
    rollout = model.rollout
    assert rollout is not None
    at = f"release {rollout.new_release} has {rollout.weight} %, {rollout.phase.value}"
    by = rollout.driver or _BY_ITSELF.get(rollout.phase)
    if by:
        yield Finding(kind=Kind.EXPECTED, model=model.name, what="rollout", found=f"{at}: {by}")
    else:
        yield Finding(
            kind=Kind.BROKEN,
            model=model.name,
            what="rollout",
            found=f"{at}: nobody drives it",
            hint=f"`llmctl resume {model.name}`, or `abort`; the watchdog takes it back in the end",
        )


def _at_rest(model: ModelState) -> Iterator[Finding]:
    """Without a rollout, the live slot has all the traffic, or nobody has any."""
    if model.live is None or model.asleep:
        return
    weights = {slot.slot: slot.weight for slot in model.slots}
    if any(weight for slot, weight in weights.items() if slot is not model.live):
        told = ", ".join(f"{slot} {weight}" for slot, weight in weights.items())
        yield Finding(
            kind=Kind.MANUAL,
            model=model.name,
            what="weights",
            found=f"{told}; {model.live} is live, and no rollout goes on",
            hint=f"`llmctl rollback {model.name}` or the balancer's rule: all to {model.live}",
        )
    if model.latest_release != model.release:
        yield Finding(
            kind=Kind.WAITING,
            model=model.name,
            what="release",
            found=f"release {model.latest_release} waits; {model.release} is live",
            hint="`llmctl deploy` rolls it out",
        )


def _groups(spec: Model, model: ModelState, facts: Facts) -> Iterator[Finding]:
    """Of the live slot: what others moved, what doesn't come up, and what fails."""
    for group in facts.groups:
        if group.model != model.name or group.slot is not model.live:
            continue
        least = bounds(spec, group.market).min
        if group.desired > least:
            found = f"{group.desired} replicas, {least} at least"
            yield Finding(kind=Kind.EXPECTED, model=model.name, what=group.name, found=found)
        if group.problem:
            yield Finding(kind=Kind.BROKEN, model=model.name, what=group.name, found=group.problem)
        for instance in group.instances:
            if facts.health.get(instance.id) is Health.UNHEALTHY:
                found = "the balancer finds it unhealthy"
                yield Finding(kind=Kind.BROKEN, model=model.name, what=instance.id, found=found)
            elif model.rollout is None and instance.release not in (None, model.release):
                found = f"runs release {instance.release}; {model.release} is live"
                yield Finding(kind=Kind.MANUAL, model=model.name, what=instance.id, found=found)
