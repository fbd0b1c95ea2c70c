"""Makes the plan of a rollout from the environment file and what is deployed. Pure, and never revised later.

It refuses what could not end well (a surge limit that nothing fits into, a release that is live already)
before anything is written. It is the only part of rollouts that knows the environment's model: the driver in
the cloud reads the finished plan.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, pairwise

from infra.deploy.types import Group, Live
from infra.environment.base import seconds
from infra.environment.capacity import bounds
from infra.environment.model import Environment, Model
from infra.environment.rollout import Gate, Rollout
from infra.environment.schedule import minimum_in_force
from infra.environment.slots import Market, Slot
from infra.errors import ExitCode, LlmctlError, Refused
from infra.rollout.capacity import Sizes, reach, total
from infra.rollout.types import GateSpec, Plan, Size, Step

FULL = 100
_SHORTEST_INTERVAL = 5.0
"""Seconds: agents publish no more often."""
_ONE: Mapping[Market, Size] = {
    Market.SPOT: Size(minimum=0, desired=1),
    Market.ON_DEMAND: Size(minimum=0, desired=0),
}
"""A model that sleeps: one replica shows that the new release starts."""


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """What the command line says instead of the file; None: as the file says."""

    strategy: str | None = None
    steps: tuple[int, ...] | None = None
    bake: float | None = None
    """Seconds."""
    pause_at: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Start:
    """Circumstances of a beginning: injected, so that a plan is a function of its arguments."""

    now: float
    by: str
    """Who asked for it."""
    suffix: str
    """Random; tells apart two rollouts of one second."""


def make_plan(
    environment: Environment,
    model: str,
    *,
    live: Live,
    groups: Iterable[Group],
    weights: Mapping[Slot, int],
    release: int,
    start: Start,
    serving: bool = True,
    overrides: Overrides = Overrides(),
) -> Plan:
    """The plan that brings `release` into the slot that isn't live.

    `groups` are those of the whole environment, or of the model; `serving`: whether the live slot has a
    healthy replica. Without one there is nobody to compare and nothing to spare, so all the traffic moves in
    one step. Raises `Refused` for what can't be, and `LlmctlError` (conflict) when the balancer's weights
    aren't those of a model at rest.
    """
    spec, own = environment.models[model], [group for group in groups if group.model == model]
    if release == live.release:
        raise Refused(f"{model}: release {release} is live already", hint="there is nothing to roll out")
    _demand_rest(model, live, weights)
    asleep = _asleep(live, own, weights)
    strategy, steps = _steps(environment, model, overrides, alone=asleep or not serving)
    baseline = _ONE if asleep else _baseline(spec, live.slot, own, start.now)
    if serving and not asleep:
        _demand_room(model, spec.rollout.surge, _sizes(baseline))
    chosen = _Chosen(strategy=strategy, steps=steps, baseline=baseline, asleep=asleep or not serving)
    return _plan(environment, model, live, release, start, chosen)


def other(slot: Slot) -> Slot:
    """The slot that a model's next release goes to."""
    return Slot.GREEN if slot is Slot.BLUE else Slot.BLUE


def digest(model: Model) -> str:
    """A short fingerprint of a model's section, whatever the order of its keys."""
    import msgspec

    return hashlib.sha256(msgspec.json.encode(model, order="deterministic")).hexdigest()[:12]


def duration(plan: Plan) -> float:
    """Seconds that all bakes take together when every gate passes at once; starting replicas not counted."""
    return sum(step.bake for step in plan.steps) + plan.propagation


@dataclass(frozen=True, kw_only=True)
class _Chosen:
    """What depends on more than the file."""

    strategy: str
    steps: tuple[Step, ...]
    baseline: Mapping[Market, Size]
    asleep: bool


def _plan(
    environment: Environment, model: str, live: Live, release: int, start: Start, chosen: _Chosen
) -> Plan:
    spec = environment.models[model]
    rollout = spec.rollout
    return Plan(
        id=f"{datetime.fromtimestamp(start.now, UTC):%Y%m%dT%H%M%SZ}-{start.suffix}",
        model=model,
        old_slot=live.slot,
        old_release=live.release,
        new_slot=other(live.slot),
        new_release=release,
        strategy=chosen.strategy,
        steps=chosen.steps,
        gates=_gates(rollout) if any(step.bake for step in chosen.steps) else (),
        baseline=chosen.baseline,
        surge=rollout.surge,
        capacity_timeout=float(seconds(rollout.capacity_timeout)),
        propagation=float(seconds(rollout.propagation)),
        patience=float(seconds(rollout.patience)),
        inconclusive=rollout.inconclusive,
        keep_previous=float(seconds(rollout.keep_previous)),
        watchdog=float(seconds(rollout.watchdog)),
        judge_every=max(_SHORTEST_INTERVAL, float(seconds(environment.monitoring.interval))),
        asleep=chosen.asleep,
        started_by=start.by,
        digest=digest(spec),
    )


def _asleep(live: Live, groups: list[Group], weights: Mapping[Slot, int]) -> bool:
    """Whether nobody is served: the waker has the traffic, or there is no replica to send it to."""
    return not any(weights.values()) or not any(group.desired for group in groups if group.slot is live.slot)


def _demand_rest(model: str, live: Live, weights: Mapping[Slot, int]) -> None:
    found = {slot: weights.get(slot, 0) for slot in Slot}
    if any(found.values()) and found != {live.slot: FULL, other(live.slot): 0}:
        told = ", ".join(f"{slot} {weight}" for slot, weight in found.items())
        raise LlmctlError(
            f"{model}: the load balancer's weights are {told}, but {live.slot} is recorded as live: "
            "somebody else changed them",
            hint=f"set the weights of the model's listener rule to {live.slot} {FULL}, "
            f"{other(live.slot)} 0, and run the command again",
            code=ExitCode.CONFLICT,
        )


def _steps(
    environment: Environment, model: str, overrides: Overrides, *, alone: bool
) -> tuple[str, tuple[Step, ...]]:
    """The strategy, and its steps."""
    rollout = environment.models[model].rollout
    strategy = overrides.strategy or rollout.strategy
    bake = float(seconds(rollout.bake)) if overrides.bake is None else overrides.bake
    _demand_sense(environment, model, strategy, overrides)
    pauses = rollout.pause_at if overrides.pause_at is None else overrides.pause_at
    if strategy == "canary":
        weights = overrides.steps or rollout.steps
        _demand_rising(weights)
    else:
        weights = (FULL,)
        # Pauses that the file has for another strategy's steps.
        pauses = pauses if overrides.pause_at or strategy == rollout.strategy else ()
    if strategy == "all-at-once":
        bake, pauses = 0.0, ()
    if lost := [weight for weight in pauses if weight not in weights]:
        raise Refused(
            f"{model}: the rollout is to pause at {lost[0]} %, which is none of its steps",
            hint=f"steps: {_listed(weights)}; --pause-at says after which of them to pause",
        )
    if alone:
        return strategy, (Step(weight=FULL, bake=0.0),)
    return strategy, tuple(Step(weight=weight, bake=bake, pause=weight in pauses) for weight in weights)


def _demand_sense(environment: Environment, model: str, strategy: str, overrides: Overrides) -> None:
    if strategy == "all-at-once" and environment.protect:
        raise Refused(
            f"{model}: all-at-once isn't for {environment.environment}, which is protected: "
            "it would give all the traffic to a release that nothing has judged",
            hint="use canary or blue-green",
        )
    if overrides.steps and strategy != "canary":
        raise Refused(f"{model}: {strategy} has no steps", hint="leave out --steps, or use canary")
    if strategy == "all-at-once" and (overrides.bake or overrides.pause_at):
        raise Refused(f"{model}: all-at-once neither bakes nor pauses", hint="use blue-green")


def _demand_rising(weights: tuple[int, ...]) -> None:
    rises = all(before < after for before, after in pairwise(weights))
    if not rises or weights[0] < 1 or weights[-1] != FULL:
        raise Refused(
            f"the steps {_listed(weights)} don't rise from 1 % at least to {FULL} %",
            hint="such as 5,25,50,100",
        )


def _baseline(spec: Model, slot: Slot, groups: list[Group], now: float) -> Mapping[Market, Size]:
    """What the live slot has now, or must have at this hour if that is more."""
    minimum = minimum_in_force(spec, datetime.fromtimestamp(now, UTC))
    found = {}
    for market in Market:
        limits = bounds(spec, market, minimum)
        wanted = sum(group.desired for group in groups if group.slot is slot and group.market is market)
        found[market] = Size(minimum=limits.min, desired=limits.clamp(wanted))
    return found


def _gates(rollout: Rollout) -> tuple[GateSpec, ...]:
    """What the file has, less the quality of answers where none is asked for."""
    scored = rollout.golden is not None and rollout.golden.quality is not None
    found = []
    for name in rollout.gates.__struct_fields__:
        gate: Gate | None = getattr(rollout.gates, name)
        if gate is not None and not gate.off and (scored or name != "quality"):
            found.append(
                GateSpec(gate=name, limit=gate.limit, worse_by=gate.worse_by, min_samples=gate.min_samples)
            )
    return tuple(found)


def _sizes(baseline: Mapping[Market, Size]) -> Sizes:
    return {market: size.desired for market, size in baseline.items()}


def _demand_room(model: str, surge: int | None, full: Sizes) -> None:
    """Refuse a surge limit that is too tight for steps of one percent; they are made as small as need be."""
    if surge is None:
        return
    weight = 0
    while weight < FULL:
        further = reach(full, surge, weight, FULL)
        if further == weight:
            least = next(more for more in count(surge) if reach(full, more, weight, FULL) > weight)
            raise Refused(
                f"{model}: {total(full)} replicas serve, and with rollout.surge: {surge} not even one "
                f"percent of the traffic can move beyond {weight} %",
                hint=f"rollout.surge must be at least {least}",
            )
        weight = further


def _listed(weights: Iterable[int]) -> str:
    return ", ".join(map(str, weights))
