"""The numbers of replicas can be reached."""

from collections.abc import Iterator

from infra.environment.checks.base import Finding, Rule, Subject


def _check(subject: Subject) -> Iterator[Finding]:
    for name, model, _ in subject.models:
        low, high, spot = model.replicas.min, model.replicas.max, model.spot
        if low > high:
            yield Finding(
                place=("models", name, "replicas", "min"),
                what=f"{low} is more than max, which is {high}",
                why="the model could never have as many",
                allowed=f"0 to {high}",
            )
        elif low + spot.overprovision > high:
            yield Finding(
                place=("models", name, "spot", "overprovision"),
                what=f"{low} replicas and {spot.overprovision} extra are more than max, which is {high}",
                why="the extra replicas are started from the beginning",
                allowed=f"0 to {high - low}",
                hint=f"raise replicas.max to {low + spot.overprovision}",
            )
        if spot.on_demand_base > low:
            yield Finding(
                place=("models", name, "spot", "on_demand_base"),
                what=f"{spot.on_demand_base} is more than replicas.min, which is {low}",
                why="they are a part of the minimum",
                allowed=f"0 to {low}",
            )


RULE = Rule(
    id="replicas",
    summary="`min` <= `max`, `on_demand_base` <= `min`, and `overprovision` fits below `max`.",
    check=_check,
)
