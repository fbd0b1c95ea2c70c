"""What `deploy` moves after Terraform has applied: pure decisions, and the few lines that carry them out.

Terraform owns structure and leaves motion alone (sizes, schedules of sizes, pinned releases, weights). A
model that is live nowhere gets its newest release in the blue slot. A model that is live keeps its release,
whatever Terraform added: nothing reaches replicas that serve traffic but a rollout. Where a policy, a
schedule or sleep moves a group, `deploy` keeps it within its bounds and leaves the rest to them. While a
rollout goes on its driver alone moves the model; once the new release has all the traffic, only the old slot
is still the driver's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from infra.deploy.audit import audited
from infra.deploy.ports import Fleet, Runtime
from infra.deploy.types import Facts, Group, Schedule
from infra.environment.capacity import bounds
from infra.environment.model import Environment, Model
from infra.environment.schedule import minimum_in_force
from infra.environment.slots import Market, Slot
from infra.rollout.types import Phase

FIRST_SLOT = Slot.BLUE
_OVER_BUT_FOR_THE_OLD = (Phase.KEEPING, Phase.DRAINING)


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
class PutSchedule:
    """Make a group change its minimum by the time of day or week."""

    group: str
    schedule: Schedule

    def __str__(self) -> str:
        return (
            f"{self.group}: at least {self.schedule.minimum} from "
            f"{self.schedule.cron} ({self.schedule.timezone}) on"
        )


@dataclass(frozen=True)
class DropSchedule:
    """Make a group forget a schedule that the file no longer has, or that belongs to the live slot."""

    group: str
    name: str

    def __str__(self) -> str:
        return f"{self.group}: schedule {self.name} no longer holds"


@dataclass(frozen=True)
class Forget:
    """Drop the records of a model that left the environment: a later one of its name starts afresh."""

    model: str

    def __str__(self) -> str:
        return f"{self.model}: no longer in the environment"


Step = GoLive | Pin | Resize | PutSchedule | DropSchedule | Forget


def steps(environment: Environment, facts: Facts, now: datetime) -> tuple[Step, ...]:
    """What has to move so that every model of the file serves; empty when nothing has to.

    The order is safe to be cut anywhere: what is live is recorded first, and the release is pinned before any
    instance can boot from it. `now` tells which scheduled minimum is in force.
    """
    found: list[Step] = [Forget(model) for model in facts.live if model not in facts.latest_releases]
    for model in environment.models:
        if model in facts.latest_releases:
            found += model_steps(environment, model, facts, now)
    return tuple(found)


def model_steps(environment: Environment, model: str, facts: Facts, now: datetime) -> list[Step]:
    """The part of `steps` that is one model's: nothing while a driver moves it."""
    rollout = facts.rollouts.get(model)
    phase = rollout.status.phase if rollout else Phase.DONE
    if not phase.ended and phase not in _OVER_BUT_FOR_THE_OLD:
        return []
    live = facts.live.get(model)
    slot = live.slot if live else FIRST_SLOT
    release = live.release if live else facts.latest_releases[model]
    found: list[Step] = [] if live else [GoLive(model, slot, release)]
    spec = environment.models[model]
    for group in facts.groups:
        if group.model == model:
            if group.slot is slot:
                found += _group_steps(spec, group, release, now)
            found += _schedule_steps(group, _schedules(spec, group) if group.slot is slot else ())
    return found


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
            case PutSchedule():
                fleet.put_schedule(step.group, step.schedule)
            case DropSchedule():
                fleet.drop_schedule(step.group, step.name)
            case Forget():
                runtime.forget(step.model)


def _group_steps(model: Model, group: Group, release: int, now: datetime) -> list[Step]:
    found: list[Step] = []
    if group.release != release:
        found.append(Pin(group.name, release))
    limits = bounds(model, group.market, minimum_in_force(model, now))
    desired = limits.clamp(group.desired) if _moves_by_itself(model, group.market) else limits.min
    if (group.min, group.desired) != (limits.min, desired):
        found.append(Resize(group.name, limits.min, desired))
    return found


def _moves_by_itself(model: Model, market: Market) -> bool:
    """Whether the desired size is somebody else's: a policy's, the guardian's, or sleep's."""
    if market is Market.ON_DEMAND:
        return model.spot.fallback  # in a drought these are all that serve
    return model.scaling is not None or model.replicas.sleep_after is not None


def _schedules(model: Model, group: Group) -> tuple[Schedule, ...]:
    """What the live slot's group carries out by itself: the on-demand base is the same at all hours."""
    if group.market is not Market.SPOT:
        return ()
    moves = _moves_by_itself(model, group.market)
    sizes = [bounds(model, group.market, entry.min).min for entry in model.replicas.schedule]
    return tuple(
        Schedule(
            name=f"minimum-{number}",
            cron=entry.cron,
            timezone=entry.timezone,
            minimum=size,
            desired=None if moves else size,
        )
        for number, (entry, size) in enumerate(zip(model.replicas.schedule, sizes, strict=True), start=1)
    )


def _schedule_steps(group: Group, wanted: tuple[Schedule, ...]) -> Iterator[Step]:
    # A changed one is dropped first: AWS keeps what an update leaves out, and refuses two at one time.
    for schedule in group.schedules:
        if schedule not in wanted:
            yield DropSchedule(group.name, schedule.name)
    for schedule in wanted:
        if schedule not in group.schedules:
            yield PutSchedule(group.name, schedule)
