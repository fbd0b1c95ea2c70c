"""Zones are the region's, and at least two of them, as a load balancer needs."""

import re
from collections.abc import Iterator

from infra.environment.checks.base import Finding, Rule, Subject


def _check(subject: Subject) -> Iterator[Finding]:
    region = subject.environment.provider.region
    for name, model, _ in subject.models:
        zones = model.instances.zones
        for index, zone in enumerate(zones):
            place = ("models", name, "instances", "zones", index)
            if not re.fullmatch(rf"{re.escape(region)}[a-z]", zone):
                letter = zone[-1:] if re.search(r"\d[a-z]$", zone) else "a"
                yield Finding(
                    place=place,
                    what=f"{zone} isn't a zone of {region}",
                    allowed=f"{region} and a letter",
                    hint=f"did you mean {region}{letter}?",
                )
            elif zone in zones[:index]:
                yield Finding(place=place, what=f"{zone} is listed twice", hint="remove one of the two")
    yield from _enough(subject)


def _enough(subject: Subject) -> Iterator[Finding]:
    if subject.environment.network.cidr is None:
        return
    zones = {zone for _, model, _ in subject.models for zone in model.instances.zones}
    if len(zones) == 1:
        name = subject.models[0][0]
        region = subject.environment.provider.region
        yield Finding(
            place=("models", name, "instances", "zones"),
            what=f"all models are in {next(iter(zones))}",
            why="a load balancer spans at least two zones",
            hint=f"add another zone of {region}",
        )


RULE = Rule(
    id="zones",
    summary="Zones belong to the region; there are at least two over all models.",
    check=_check,
    across_models=True,
)
