"""Risks of the spot market: how often a type is interrupted, and what that does to a model."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from infra.environment.capacity import bounds
from infra.environment.slots import Market
from infra.risk.forecast import DAYS
from infra.risk.types import Found, Rule, Severity, Subject

ENOUGH = 0.99
"""Share of the time with all replicas; what is below is told."""
OFTEN = 15
"""Percent of a type's instances that were interrupted within a month, from which on it is told."""


@dataclass(frozen=True)
class Rate:
    """Share of the instances of a type that were interrupted within the last month."""

    least: int
    """Percent."""
    label: str
    """The range, as AWS writes it: `15-20%`, `>20%`."""

    @classmethod
    def of(cls, label: str) -> "Rate":
        """From a range; one without a lower end (`<5%`) begins at 0. Raises ValueError for no range."""
        numbers = re.findall(r"\d+", label)
        if not numbers:
            raise ValueError(f"{label!r} is no range")
        return cls(0 if label.startswith("<") else int(numbers[0]), label)


def _often_interrupted(subject: Subject) -> Iterator[Found]:
    rates = subject.account.interruptions if subject.account else {}
    for name, model in subject.after.models.items():
        known = {each: rates[each] for each in model.instances.types if each in rates}
        if known and bounds(model, Market.SPOT).max and all(rate.least >= OFTEN for rate in known.values()):
            told = ", ".join(f"{type_} {rate.label}" for type_, rate in known.items())
            yield Found(name, f"interrupted within a month: {told}")


def _low_availability(subject: Subject) -> Iterator[Found]:
    for each in subject.forecasts:
        if each.after < ENOUGH:
            was = "" if each.before is None else f", {each.before:.2%} before"
            many = "its one replica" if each.wanted == 1 else f"all {each.wanted} replicas"
            yield Found(
                each.model, f"{many} there {each.after:.2%} of {DAYS} days on a simulated spot market{was}"
            )


RULES = (
    Rule(
        id="low-availability",
        severity=Severity.WARNING,
        why="In the rest of the time it has fewer replicas than it wants.",
        remedy="Find settings by `llmctl simulate --env NAME --model MODEL --synthetic '' --optimise`.",
        look=_low_availability,
    ),
    Rule(
        id="often-interrupted",
        severity=Severity.WARNING,
        why="None of its types is calm in this region: replicas come and go.",
        remedy="Name a calmer type or more zones; https://aws.amazon.com/ec2/spot/instance-advisor/ has all.",
        look=_often_interrupted,
    ),
)
