"""What `deploy` moves after Terraform has applied: pure decisions, and the few lines that carry them out.

Terraform owns structure and leaves motion alone (sizes, pinned releases, weights). A model that is live
nowhere gets its newest release in the blue slot. A model that is live keeps its release, whatever Terraform
added: nothing reaches replicas that serve traffic but a rollout.
"""

from dataclasses import dataclass

from infra.deploy.audit import audited
from infra.deploy.ports import Fleet, Runtime
from infra.deploy.types import Facts, Group
from infra.environment.capacity import bounds
from infra.environment.model import Environment, Market, Slot

FIRST_SLOT = Slot.BLUE


@dataclass(frozen=True)
class GoLive:
    """Record the first release of a model as live."""

    model: str
    slot: Slot
    release: int

    def __str__(self) -> str:
        return f"{self.model}: release {self.release} goes live in {self.slot}"


@dataclass(frozen=True)
class Pin:
    """Make a group boot the live release."""

    group: str
    release: int

    def __str__(self) -> str:
        return f"{self.group}: boots release {self.release}"


@dataclass(frozen=True)
class Resize:
    """Set a group's minimum and desired size."""

    group: str
    minimum: int
    desired: int

    def __str__(self) -> str:
        return f"{self.group}: {self.desired} replicas, at least {self.minimum}"


@dataclass(frozen=True)
class Forget:
    """Drop the record of a model that left the environment: a later one of its name starts afresh."""

    model: str

    def __str__(self) -> str:
        return f"{self.model}: no longer in the environment"


Step = GoLive | Pin | Resize | Forget


def steps(environment: Environment, facts: Facts) -> tuple[Step, ...]:
    """What has to move so that every model of the file serves; empty when nothing has to.

    The order is safe to be cut anywhere: what is live is recorded first, and the release is pinned before any
    instance can boot from it.
    """
    found: list[Step] = [Forget(model) for model in facts.live if model not in facts.latest_releases]
    for model in environment.models:
        if model in facts.latest_releases:
            found += _model_steps(environment, model, facts)
    return tuple(found)


def waiting_releases(facts: Facts) -> dict[str, int]:
    """Models whose newest release is not the live one: {model: newest release}."""
    return {
        model: facts.latest_releases[model]
        for model, live in facts.live.items()
        if facts.latest_releases.get(model, live.release) != live.release
    }


def carry_out(step: Step, fleet: Fleet, runtime: Runtime) -> None:
    """Do one step and record how it ended."""
    with audited(runtime, type(step).__name__, str(step)):
        match step:
            case GoLive():
                runtime.make_live(step.model, step.slot, step.release)
            case Pin():
                fleet.pin(step.group, step.release)
            case Resize():
                fleet.resize(step.group, minimum=step.minimum, desired=step.desired)
            case Forget():
                runtime.forget(step.model)


def _model_steps(environment: Environment, model: str, facts: Facts) -> list[Step]:
    live = facts.live.get(model)
    slot = live.slot if live else FIRST_SLOT
    release = live.release if live else facts.latest_releases[model]
    found: list[Step] = [] if live else [GoLive(model, slot, release)]
    for group in facts.groups:
        if group.model == model and group.slot is slot:
            found += _group_steps(environment, group, release)
    return found


def _group_steps(environment: Environment, group: Group, release: int) -> list[Step]:
    found: list[Step] = []
    if group.release != release:
        found.append(Pin(group.name, release))
    model = environment.models[group.model]
    limits = bounds(model, group.market)
    scaled = model.scaling is not None and group.market is Market.SPOT
    desired = limits.clamp(group.desired) if scaled else limits.min
    if (group.min, group.desired) != (limits.min, desired):
        found.append(Resize(group.name, limits.min, desired))
    return found
