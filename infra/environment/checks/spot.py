"""The spot settings agree with each other, and the budget carries what is always there."""

from collections.abc import Iterator

from infra.environment.base import seconds
from infra.environment.capacity import bounds
from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.model import Model
from infra.environment.slots import Market


def _check(subject: Subject) -> Iterator[Finding]:
    for name, model, _ in subject.models:
        for finding in (_hold(name, model), _most(name, model), _standby(name, model), _budget(name, model)):
            if finding:
                yield finding


def _hold(name: str, model: Model) -> Finding | None:
    spot = model.spot
    if seconds(spot.longest_hold) >= seconds(spot.hold):
        return None
    return Finding(
        place=("models", name, "spot", "longest_hold"),
        what=f"{spot.longest_hold} is less than spot.hold, which is {spot.hold}",
        why="the hold grows from the one to the other",
        allowed=f"{spot.hold} or more",
    )


def _most(name: str, model: Model) -> Finding | None:
    spot = model.spot
    if spot.most_on_demand is None or spot.most_on_demand >= spot.on_demand_base:
        return None
    return Finding(
        place=("models", name, "spot", "most_on_demand"),
        what=f"{spot.most_on_demand} is less than spot.on_demand_base, which is {spot.on_demand_base}",
        why="the base would not fit",
        allowed=f"{spot.on_demand_base} or more",
    )


def _standby(name: str, model: Model) -> Finding | None:
    standby, place = model.spot.standby, ("models", name, "spot", "standby")
    if not standby:
        return None
    if not model.spot.fallback:
        return Finding(
            place=place,
            what=f"{standby} instances stand by, and spot.fallback is false",
            why="nobody would start them",
            allowed="0, or fallback: true",
        )
    on_demand = bounds(model, Market.ON_DEMAND)
    added = on_demand.max - on_demand.min
    if standby <= added:
        return None
    return Finding(
        place=place,
        what=f"{standby} instances stand by, and at most {added} are ever added on demand",
        why="the others would never be started",
        allowed=f"{added} or less, or a larger spot.most_on_demand",
    )


def _budget(name: str, model: Model) -> Finding | None:
    budget, price = model.spot.budget, model.instances.price
    if budget is None:
        return None
    if price is None:
        return Finding(
            place=("models", name, "instances"),
            what="the price is missing",
            why="spot.budget is compared with what the model's instances cost",
            hint="add price: {on_demand: ..., spot: ...}, in US dollars an hour",
            at_key=True,
        )
    base, spot = bounds(model, Market.ON_DEMAND).min, bounds(model, Market.SPOT).max
    most = base * price.on_demand + spot * price.spot
    if budget >= most:
        return None
    return Finding(
        place=("models", name, "spot", "budget"),
        what=f"${budget:g} an hour is less than the model may cost without any fallback: ${most:g}",
        why=f"{base} on demand and up to {spot} on the spot market are not the fallback's to refuse",
        hint="raise spot.budget, or lower replicas.max or spot.overprovision",
    )


RULE = Rule(
    id="spot",
    summary="`hold` <= `longest_hold`; `on_demand_base` <= `most_on_demand`; `standby` has a fallback "
    "that may start all of it; `budget` has prices, and carries the base and all spot replicas.",
    check=_check,
)
