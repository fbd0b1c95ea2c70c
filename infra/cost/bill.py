"""What instances cost that ran: metered hours, priced as an estimate prices them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from infra.cost.prices import Prices, pool
from infra.environment import names
from infra.environment.model import Environment, Model
from infra.environment.slots import Market, Slot


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Hours that instances of one kind ran."""

    group: str
    """The autoscaling group that started them."""
    instance_type: str
    market: str
    """spot or on-demand."""
    zone: str
    hours: float


@dataclass(frozen=True, kw_only=True)
class Charge:
    """A line of the bill."""

    model: str
    """Empty: it belongs to no model of the file."""
    usage: Usage
    dollars: float | None
    """None: nobody knows the price."""


def bill(usage: Iterable[Usage], environment: Environment, prices: Prices) -> tuple[Charge, ...]:
    """Each usage with its price; a price in the file goes first."""
    groups = {
        names.group(environment.environment, name, slot, market): name
        for name in environment.models
        for slot in Slot
        for market in Market
    }
    return tuple(_charge(each, groups.get(each.group, ""), environment, prices) for each in usage)


def _charge(usage: Usage, model: str, environment: Environment, prices: Prices) -> Charge:
    price = _hourly(usage, environment.models.get(model), prices)
    return Charge(model=model, usage=usage, dollars=None if price is None else usage.hours * price)


def _hourly(usage: Usage, model: Model | None, prices: Prices) -> float | None:
    """Of the very pool; a spot price that nobody knows is the on-demand price, as in an estimate."""
    on_spot = usage.market == Market.SPOT
    if model and (own := model.instances.price):
        return own.spot if on_spot else own.on_demand
    price = pool(prices, usage.instance_type, usage.zone) if on_spot else None
    return prices.on_demand.get(usage.instance_type) if price is None else price
