"""What single resources cost that an inventory found. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.cost.prices import HOURS_A_MONTH, Prices, Unit, pool
from infra.environment.slots import Market
from infra.teardown.types import Resource

_UNITS: Mapping[str, tuple[Unit, float]] = {
    "cloudwatch alarm": (Unit.ALARM_MONTH, 1.0),
    "cloudwatch dashboard": (Unit.DASHBOARD_MONTH, 1.0),
    "ec2 elastic address": (Unit.ADDRESS_HOUR, HOURS_A_MONTH),
    "ec2 nat gateway": (Unit.NAT_HOUR, HOURS_A_MONTH),
    "load balancer": (Unit.BALANCER_HOUR, HOURS_A_MONTH),
    "secret": (Unit.SECRET_MONTH, 1.0),
}
"""What is billed by its mere existence: an alarm as one that looks at one metric."""


@dataclass(frozen=True)
class ResourcePrices:
    """Implements `infra.teardown.types.Prices`."""

    prices: Prices

    def monthly(self, resource: Resource) -> float | None:
        """US dollars for a month of 730 hours; None for what is billed by use, or at an unknown price."""
        if resource.kind == "ec2 instance":
            return self._instance(resource)
        if resource.kind == "ec2 volume" and resource.size_gib is not None:
            return resource.size_gib * self.prices.units[Unit.DISK_GIB_MONTH]
        unit, times = _UNITS.get(resource.kind, (None, 0.0))
        return None if unit is None else self.prices.units[unit] * times

    def _instance(self, resource: Resource) -> float | None:
        spot = pool(self.prices, resource.type, "") if resource.market == Market.SPOT else None
        hourly = self.prices.on_demand.get(resource.type) if spot is None else spot
        return None if hourly is None else hourly * HOURS_A_MONTH
