"""What an environment costs an hour, before anybody is billed. Pure.

Each line has three figures: `low` is the quietest hour (smallest minimum, cheapest pools), `expected` a usual
one (largest minimum, prices that are to be expected), `high` the busiest (maximums, missing spot replaced on
demand as far as the file allows, dearest types). What depends on use alone - traffic through gateways and out
to the internet, what engines log - is not in it, and neither is a rollout's second slot: docs/cost.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.cost.prices import HOURS_A_MONTH, Hourly, Prices, Unit, on_demand, spot
from infra.environment.base import seconds
from infra.environment.capacity import bounds
from infra.environment.model import Environment, Model
from infra.environment.monitoring import Monitoring
from infra.environment.slots import Market

SHARED = ""
"""Stands for the model of what belongs to no single one."""
_SERVICES_BEHIND_ENDPOINTS = 7
"""Interface endpoints in each zone of a network without a way out (`modules/network/endpoints.py`)."""
_METRICS_OF_A_MODEL, _METRICS_OF_A_REPLICA = 36, 6
_ALARMS_OF_A_MODEL, _COMPOSITES_OF_A_MODEL = 31, 2
"""Metrics published, metrics that alarms look at, and composite alarms: counted in docs/metrics.md."""
_LOG_GB_OF_A_REPLICA = 0.04
"""A month, of lines that tell figures (docs/metrics.md). What engines say depends on who asks what."""
_SECONDS_AN_HOUR, _MILLION = 3600.0, 1e6


@dataclass(frozen=True, kw_only=True)
class Line:
    """One thing that is billed, in US dollars an hour."""

    model: str
    """Empty: it belongs to no single model."""
    what: str
    low: float
    expected: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Total:
    """A sum of lines, in US dollars a month of 730 hours."""

    low: float
    expected: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What an environment costs."""

    lines: tuple[Line, ...]
    unpriced: tuple[str, ...]
    """What is missing in the lines, or is in them at another price, and why."""
    source: str
    """Where the prices are from."""
    stale: bool
    per_million: dict[str, float]
    """US dollars for a million generated tokens, by model: of a busy replica whose speed the file tells."""

    def total(self, model: str | None = None) -> Total:
        """By the month, of one model or of everything."""
        some = [line for line in self.lines if model in (None, line.model)]
        return Total(
            low=HOURS_A_MONTH * sum(line.low for line in some),
            expected=HOURS_A_MONTH * sum(line.expected for line in some),
            high=HOURS_A_MONTH * sum(line.high for line in some),
        )


def estimate(environment: Environment, prices: Prices, *, stale: bool = False) -> Estimate:
    """What `environment` costs at these prices; a price in the file goes before them."""
    lines: list[Line] = list(_shared(environment, prices))
    unpriced: list[str] = []
    for name, model in environment.models.items():
        market = _Instances(name, model, prices)
        lines += market.lines()
        unpriced += market.unpriced
        lines += _disks(name, model, prices)
        lines += _watched(name, model, environment.monitoring, prices)
    return Estimate(
        lines=tuple(lines),
        unpriced=tuple(unpriced),
        source=_source(environment, prices),
        stale=stale,
        per_million=dict(_per_million(environment, prices)),
    )


def _source(environment: Environment, prices: Prices) -> str:
    own = [name for name, model in environment.models.items() if model.instances.price]
    return prices.source + (f"; the file, for instances of {', '.join(own)}" if own else "")


def _per_million(environment: Environment, prices: Prices) -> Iterator[tuple[str, float]]:
    """Of a replica on the market that carries the load: spot, unless all of it is on demand."""
    for name, model in environment.models.items():
        market = Market.SPOT if bounds(model, Market.SPOT).max else Market.ON_DEMAND
        price, speed = hourly_price(model, prices, market), model.instances.tokens_per_second
        if price and speed:
            yield name, price.expected / (speed * _SECONDS_AN_HOUR) * _MILLION


def hourly_price(model: Model, prices: Prices, market: Market) -> Hourly | None:
    """What one replica of a market costs; the file's own price is all three figures."""
    instances, own = model.instances, model.instances.price
    if own:
        price = own.spot if market is Market.SPOT else own.on_demand
        return Hourly(price, price, price)
    if market is Market.ON_DEMAND:
        return on_demand(prices, instances.types)
    return spot(prices, instances.types, instances.zones)


class _Instances:
    """The instances of a model."""

    def __init__(self, name: str, model: Model, prices: Prices) -> None:
        self._name = name
        self._model = model
        self._on_demand = hourly_price(model, prices, Market.ON_DEMAND)
        self._spot = hourly_price(model, prices, Market.SPOT)
        self.unpriced: tuple[str, ...] = tuple(self._missing(prices))

    def lines(self) -> Iterator[Line]:
        """Spot and on-demand replicas, apart."""
        least, usual = _minimums(self._model)
        base = bounds(self._model, Market.ON_DEMAND)
        spot_ = [bounds(self._model, Market.SPOT, minimum) for minimum in (least, usual)]
        fallback = base.max if self._model.spot.fallback else base.min
        left_on_spot = max(spot_[0].max - (fallback - base.min), 0)
        price = self._spot or self._on_demand
        if price and spot_[0].max:
            yield self._line("spot instances", price, (spot_[0].min, spot_[1].min, left_on_spot))
        if self._on_demand and fallback:
            yield self._line("on-demand instances", self._on_demand, (base.min, base.min, fallback))

    def _line(self, what: str, price: Hourly, counts: tuple[int, int, int]) -> Line:
        least, usual, most = counts
        low, expected, high = least * price.low, usual * price.expected, most * price.high
        return Line(model=self._name, what=what, low=low, expected=expected, high=high)

    def _missing(self, prices: Prices) -> Iterator[str]:
        types = self._model.instances.types
        where = f"{self._name}: {', '.join(types)} in {prices.region}"
        if self._on_demand is None:
            yield f"{where}: no price is known, so its instances are not in the figures"
        elif self._spot is None:
            yield f"{where}: no spot price is known, so spot is counted as on demand, which it never exceeds"


def _shared(environment: Environment, prices: Prices) -> Iterator[Line]:
    zones = len({zone for model in environment.models.values() for zone in model.instances.zones})
    own, egress = environment.network.cidr is not None, environment.network.egress
    gateways = {"nat": 1, "nat-per-zone": zones, "endpoints": 0}[egress] if own else 0
    endpoints = _SERVICES_BEHIND_ENDPOINTS * zones if own and egress == "endpoints" else 0
    parts = (
        ("load balancer, with one capacity unit", 1, Unit.BALANCER_HOUR, 1.0),
        ("", 1, Unit.BALANCER_CAPACITY_HOUR, 1.0),
        ("NAT gateways", gateways, Unit.NAT_HOUR, 1.0),
        ("interface endpoints", endpoints, Unit.ENDPOINT_HOUR, 1.0),
        ("public addresses", zones + gateways, Unit.ADDRESS_HOUR, 1.0),
        ("secret", int(environment.endpoint.auth == "api-key"), Unit.SECRET_MONTH, HOURS_A_MONTH),
        ("dashboard", int(environment.monitoring.dashboards), Unit.DASHBOARD_MONTH, HOURS_A_MONTH),
    )
    yield from _merged(SHARED, parts, prices)


def _merged(model: str, parts: tuple[tuple[str, float, Unit, float], ...], prices: Prices) -> Iterator[Line]:
    """A line for each name that costs something; a part without a name belongs to the one before it."""
    sums: dict[str, float] = {}
    named = ""
    for name, count, unit, per in parts:
        named = name or named
        sums[named] = sums.get(named, 0.0) + count * prices.units.get(unit, 0.0) / per
    for what, cost in sums.items():
        if cost:
            yield Line(model=model, what=what, low=cost, expected=cost, high=cost)


def _disks(name: str, model: Model, prices: Prices) -> Iterator[Line]:
    price = model.instances.disk_gib * prices.units.get(Unit.DISK_GIB_MONTH, 0.0) / HOURS_A_MONTH
    low, expected, high = ((count + model.spot.standby) * price for count in _replicas(model))
    yield Line(model=name, what="disks", low=low, expected=expected, high=high)


def _watched(name: str, model: Model, monitoring: Monitoring, prices: Prices) -> Iterator[Line]:
    """Its metrics with the calls and log lines that bring them, alarms and dashboard."""
    of_a_replica = _METRICS_OF_A_REPLICA if monitoring.replicas else 0
    fixed = {
        Unit.METRIC_MONTH: _METRICS_OF_A_MODEL,
        Unit.ALARM_MONTH: _ALARMS_OF_A_MODEL,
        Unit.COMPOSITE_MONTH: _COMPOSITES_OF_A_MODEL,
        Unit.DASHBOARD_MONTH: int(monitoring.dashboards),
    }
    month = sum(count * prices.units.get(unit, 0.0) for unit, count in fixed.items())
    calls = _SECONDS_AN_HOUR / seconds(monitoring.interval) * HOURS_A_MONTH
    each = (
        of_a_replica * prices.units.get(Unit.METRIC_MONTH, 0.0)
        + calls * prices.units.get(Unit.METRIC_CALL, 0.0)
        + _LOG_GB_OF_A_REPLICA * prices.units.get(Unit.LOG_GB, 0.0)
    )
    low, expected, high = ((month + each * count) / HOURS_A_MONTH for count in _replicas(model))
    yield Line(model=name, what="metrics, logs, alarms, dashboard", low=low, expected=expected, high=high)


def _replicas(model: Model) -> tuple[int, int, int]:
    """At the quietest, a usual and the busiest hour, extra ones included."""
    base = bounds(model, Market.ON_DEMAND).min
    least, usual = (bounds(model, Market.SPOT, minimum).min + base for minimum in _minimums(model))
    return least, usual, model.replicas.max + model.spot.overprovision


def _minimums(model: Model) -> tuple[int, int]:
    """The smallest and the largest minimum of the week."""
    minimums = [model.replicas.min, *(each.min for each in model.replicas.schedule)]
    return min(minimums), max(minimums)
