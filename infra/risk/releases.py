"""Risks of what replicas run on, and of how a new release takes over."""

from collections.abc import Iterator

from infra.environment.base import seconds
from infra.environment.instances import catalogue
from infra.environment.model import Model
from infra.risk.types import Found, Rule, Severity, Subject


def _unjudged(subject: Subject) -> Iterator[Found]:
    released = {change.model for change in subject.changes if change.type == "aws_launch_template"}
    for name, _, after in subject.kept:
        rollout = after.rollout
        blind = rollout.strategy == "all-at-once" or seconds(rollout.bake) == 0
        if name in released and blind:
            yield Found(name, f"a new release of {name} would take all traffic without being judged")


def _one_pool(subject: Subject) -> Iterator[Found]:
    for name, after in _changed(subject):
        instances = after.instances
        if _all_spot(after) and len(instances.types) * len(instances.zones) == 1:
            yield Found(
                name, f"all replicas on spot, in one pool: {instances.types[0]} in {instances.zones[0]}"
            )


def _no_fallback(subject: Subject) -> Iterator[Found]:
    for name, after in _changed(subject):
        if _all_spot(after) and not after.spot.fallback:
            yield Found(name, "all replicas on spot, and nothing replaces them when it is gone")


def _less_memory(subject: Subject) -> Iterator[Found]:
    for name, before, after in subject.kept:
        old, new = _least_memory(before), _least_memory(after)
        if new < old:
            yield Found(
                name, f"{new / 1024:.0f} GiB of GPU memory in the smallest type, instead of {old / 1024:.0f}"
            )


def _changed(subject: Subject) -> Iterator[tuple[str, Model]]:
    """Models that are new, or whose section changes."""
    before = subject.before.models if subject.before else {}
    for name, after in subject.after.models.items():
        if before.get(name) != after:
            yield name, after


def _all_spot(model: Model) -> bool:
    return model.spot.on_demand_base == 0 and model.replicas.max > 0


def _least_memory(model: Model) -> int:
    """MiB of GPU memory of the smallest instance type that is known."""
    types = catalogue()
    known = [found.gpu for each in model.instances.types if (found := types.get(each)) and found.gpu]
    return min((gpu.count * gpu.memory_mib for gpu in known), default=0)


RULES = (
    Rule(
        id="unjudged-release",
        severity=Severity.WARNING,
        why="Nothing stops a release that is worse.",
        remedy="Use the canary strategy, with a bake.",
        look=_unjudged,
    ),
    Rule(
        id="one-pool",
        severity=Severity.WARNING,
        why="Spot capacity goes pool by pool: all replicas can be lost at once.",
        remedy="Name more instance types and zones, or set spot.on_demand_base.",
        look=_one_pool,
    ),
    Rule(
        id="no-fallback",
        severity=Severity.WARNING,
        why="While there is no spot capacity, the model is down.",
        remedy="Set spot.fallback, or spot.on_demand_base.",
        look=_no_fallback,
    ),
    Rule(
        id="less-memory",
        severity=Severity.WARNING,
        why="Less room for the key-value cache: fewer and shorter requests at a time, or none.",
        remedy="Test the release on that type: `llmctl bench`.",
        look=_less_memory,
    ),
)
