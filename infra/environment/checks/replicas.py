"""The numbers of replicas can be reached."""

from collections.abc import Iterator

from infra.environment.checks.base import Finding, Rule, Subject


def _check(subject: Subject) -> Iterator[Finding]:
    for name, model, _ in subject.models:
        low, high, base = model.replicas.min, model.replicas.max, model.spot.on_demand_base
        if low > high:
            yield Finding(
                place=("models", name, "replicas", "min"),
                what=f"{low} is more than max, which is {high}",
                why="the model could never have as many",
                allowed=f"0 to {high}",
            )
        if base > low:
            yield Finding(
                place=("models", name, "spot", "on_demand_base"),
                what=f"{base} is more than replicas.min, which is {low}",
                why="they are a part of the minimum",
                allowed=f"0 to {low}",
            )


RULE = Rule(
    id="replicas",
    summary="`min` <= `max`, and `on_demand_base` <= `min`.",
    check=_check,
)
