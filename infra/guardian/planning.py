"""What the guardian is told, as the environment file says. The function itself knows no file."""

from infra.environment.base import seconds
from infra.environment.capacity import bounds
from infra.environment.model import Model
from infra.environment.slots import Market
from infra.guardian.config import GuardedModel
from infra.spot.types import Settings


def guarded_model(name: str, model: Model) -> GuardedModel | None:
    """What the guardian is told of a model; None: it has no fallback."""
    if not model.spot.fallback:
        return None
    return GuardedModel(
        name=name,
        zones=tuple(model.instances.zones),
        types=tuple(model.instances.types),
        settings=settings(model),
        standby=model.spot.standby,
    )


def settings(model: Model) -> Settings:
    """What the policy is told; prices in US dollars an hour where the file has them, else the usual ratio.

    Without a fallback nothing is added on demand: the simulator asks about such models too.
    """
    spot, price = model.spot, model.instances.price
    usual = Settings()
    on_demand = bounds(model, Market.ON_DEMAND)
    return Settings(
        on_demand_base=on_demand.min,
        overprovision=spot.overprovision,
        spare=spot.spare,
        hold_seconds=float(seconds(spot.hold)),
        hold_most_seconds=float(seconds(spot.longest_hold)),
        on_demand_quota=on_demand.max if spot.fallback else on_demand.min,
        budget=spot.budget,
        spot_price=min(price.spot, price.on_demand) if price else usual.spot_price,
        on_demand_price=price.on_demand if price else usual.on_demand_price,
    )
