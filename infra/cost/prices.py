"""What AWS asks: for instances by type and zone, and for what else an environment consists of. Pure.

All figures are US dollars without tax. Where nobody can be asked, a snapshot answers that comes with llmctl;
it says from which day and from where its figures are.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from statistics import mean

HOURS_A_MONTH = 730.0
"""AWS's own figure for a month (its Pricing Calculator)."""
_STALE_DAYS = 30
_FIRST = "us-east-1"
"""The region whose units stand for those that aren't known."""


class Unit(StrEnum):
    """What is billed beside instances, each for one of it."""

    BALANCER_HOUR = "balancer_hour"
    BALANCER_CAPACITY_HOUR = "balancer_capacity_hour"
    """A load balancer capacity unit: 25 new connections a second, 3,000 open ones, or 1 GB an hour."""
    NAT_HOUR = "nat_hour"
    ENDPOINT_HOUR = "endpoint_hour"
    """An interface endpoint in a zone."""
    ADDRESS_HOUR = "address_hour"
    DISK_GIB_MONTH = "disk_gib_month"
    """gp3, with the throughput that comes with it."""
    METRIC_MONTH = "metric_month"
    METRIC_CALL = "metric_call"
    """Of `PutMetricData`, whatever is in it."""
    LOG_GB = "log_gb"
    """Taken in by CloudWatch Logs."""
    ALARM_MONTH = "alarm_month"
    COMPOSITE_MONTH = "composite_month"
    DASHBOARD_MONTH = "dashboard_month"
    SECRET_MONTH = "secret_month"  # noqa: S105 - the price of one


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Prices of a region, as of a day."""

    region: str
    day: date
    source: str
    on_demand: Mapping[str, float] = field(default_factory=dict)
    """By instance type, an hour."""
    spot: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By instance type, then by zone, an hour."""
    units: Mapping[Unit, float] = field(default_factory=dict)

    def is_stale(self, today: date) -> bool:
        """Whether they are older than a month."""
        return (today - self.day).days > _STALE_DAYS

    def over(self, older: "Prices") -> "Prices":
        """These, and what only the older ones know."""
        return replace(
            self,
            on_demand={**older.on_demand, **self.on_demand},
            spot={**older.spot, **self.spot},
            units={**older.units, **self.units},
        )


@dataclass(frozen=True)
class Hourly:
    """What one instance of a group may cost an hour."""

    low: float
    expected: float
    high: float


def on_demand(prices: Prices, types: tuple[str, ...]) -> Hourly | None:
    """Of a group that takes the cheapest type that there is; None if no type has a price."""
    known = sorted(prices.on_demand[each] for each in types if each in prices.on_demand)
    return Hourly(known[0], known[0], known[-1]) if known else None


def spot(prices: Prices, types: tuple[str, ...], zones: tuple[str, ...]) -> Hourly | None:
    """Of a group that spreads over pools: the mean of those that have a price; None if none has.

    AWS's strategy (`price-capacity-optimized`) weighs price and capacity, and doesn't say how.
    """
    pools = (pool(prices, each, zone) for each in types for zone in zones)
    known = [price for price in pools if price is not None]
    return Hourly(min(known), mean(known), max(known)) if known else None


def pool(prices: Prices, instance_type: str, zone: str) -> float | None:
    """What one pool's instances cost on the spot market.

    A snapshot has zones by their ids (`use1-az4`), and which zone has which differs from account to account:
    then the mean of the region's is taken.
    """
    places = prices.spot.get(instance_type, {})
    return places.get(zone, mean(places.values()) if places else None)


@cache
def snapshot(region: str) -> Prices:
    """What llmctl knows without asking; of a region that it doesn't know, the units of us-east-1 alone."""
    raw = json.loads(files("infra.cost").joinpath("snapshot.json").read_text())
    regions = raw["regions"]
    found = regions.get(region, {})
    units = {**regions[_FIRST]["units"], **found.get("units", {})}
    return Prices(
        region=region,
        day=date.fromisoformat(raw["day"]),
        source=f"snapshot of {raw['day']}",
        on_demand=found.get("on_demand", {}),
        spot=found.get("spot", {}),
        units={Unit(name): price for name, price in units.items()},
    )
