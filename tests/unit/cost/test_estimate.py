"""What an environment costs: by hand for small ones, and by what must hold for all."""

import dataclasses
from collections.abc import Mapping
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from infra.cost.estimate import Estimate, estimate
from infra.cost.prices import HOURS_A_MONTH, Hourly, Prices, Unit, on_demand, snapshot, spot
from infra.environment.instances import catalogue
from infra.environment.model import Environment, Instances, Network, Price, Replicas, ScheduledMinimum, Spot
from infra.environment.monitoring import Monitoring
from tests.fakes.environments import model, two_models

TYPES, ZONES = ("a.large", "b.large", "c.large"), ("us-east-1a", "us-east-1b")
PRICES = Prices(
    region="us-east-1",
    day=date(2026, 11, 1),
    source="a test",
    on_demand={"a.large": 1.0, "b.large": 1.2, "c.large": 2.0},
    spot={
        "a.large": {"us-east-1a": 0.3, "us-east-1b": 0.5, "us-east-1c": 9.0},
        "b.large": {"us-east-1a": 0.4, "us-east-1b": 0.4},
    },
    units=snapshot("us-east-1").units,
)


def environment(**sections: object) -> Environment:
    """One model chat on three types in two zones."""
    instances = Instances(types=TYPES, zones=ZONES, disk_gib=100)
    return replace(two_models(), models={"chat": model(**{"instances": instances, **sections})})


def hourly(found: Estimate, what: str) -> tuple[float, float, float]:
    """A line of chat or of what is shared."""
    (line,) = (each for each in found.lines if each.what == what)
    return (line.low, line.expected, line.high)


def test_a_mixed_group_is_priced_over_all_of_its_pools() -> None:
    """Spot is the mean of the pools that the group may use, on demand the cheapest type that it may take."""
    found = spot(PRICES, TYPES, ZONES)
    assert found is not None
    assert (found.low, found.expected, found.high) == pytest.approx((0.3, 0.4, 0.5))
    assert on_demand(PRICES, TYPES) == Hourly(1.0, 1.0, 2.0)


def test_markets_are_apart() -> None:
    """A base on demand, the rest and the extra one on spot; at most, all that is missing comes on demand."""
    found = estimate(
        environment(replicas=Replicas(min=3, max=5), spot=Spot(on_demand_base=1, overprovision=1)), PRICES
    )
    assert hourly(found, "on-demand instances") == pytest.approx((1.0, 1.0, 5 * 2.0))
    assert hourly(found, "spot instances") == pytest.approx((3 * 0.3, 3 * 0.4, 1 * 0.5))


def test_a_schedule_makes_a_usual_hour() -> None:
    """At night the smallest minimum holds; by day, the largest."""
    schedule = (ScheduledMinimum(cron="0 8 * * *", min=4), ScheduledMinimum(cron="0 20 * * *", min=1))
    found = estimate(environment(replicas=Replicas(min=2, max=6, schedule=schedule), spot=Spot()), PRICES)
    assert hourly(found, "spot instances")[:2] == pytest.approx((1 * 0.3, 4 * 0.4))


def test_without_a_fallback_the_most_is_all_on_spot() -> None:
    """Nothing is bought on demand but the base."""
    found = estimate(
        environment(replicas=Replicas(min=2, max=5), spot=Spot(on_demand_base=1, fallback=False)), PRICES
    )
    assert hourly(found, "on-demand instances") == pytest.approx((1.0, 1.0, 2.0))
    assert hourly(found, "spot instances") == pytest.approx((0.3, 0.4, 4 * 0.5))


def test_a_price_in_the_file_goes_first() -> None:
    """Whoever has a contract knows better than the list."""
    own = Instances(types=TYPES, zones=ZONES, price=Price(on_demand=0.7, spot=0.2))
    found = estimate(environment(instances=own, replicas=Replicas(min=2, max=2), spot=Spot()), PRICES)
    assert hourly(found, "spot instances") == pytest.approx((0.4, 0.4, 0.0))
    assert hourly(found, "on-demand instances") == pytest.approx((0.0, 0.0, 1.4))


def test_whose_prices_they_are_is_told() -> None:
    """Where the file has its own, the list is not blamed."""
    own = Instances(types=TYPES, zones=ZONES, price=Price(on_demand=0.7, spot=0.2))
    assert estimate(environment(), PRICES).source == "a test"
    assert estimate(environment(instances=own), PRICES).source == "a test; the file, for instances of chat"


def test_disks_are_those_of_all_replicas_and_of_standby() -> None:
    """A stopped instance costs its disk."""
    found = estimate(environment(replicas=Replicas(min=2, max=4), spot=Spot(standby=1)), PRICES)
    disk = 100 * PRICES.units[Unit.DISK_GIB_MONTH] / HOURS_A_MONTH
    assert hourly(found, "disks") == pytest.approx((3 * disk, 3 * disk, 5 * disk))


@pytest.mark.parametrize(
    ("network", "lines"),
    [
        (Network(cidr="10.0.0.0/16"), {"NAT gateways": 0.045, "public addresses": 3 * 0.005}),
        (
            Network(cidr="10.0.0.0/16", egress="nat-per-zone"),
            {"NAT gateways": 0.09, "public addresses": 0.02},
        ),
        (
            Network(cidr="10.0.0.0/16", egress="endpoints"),
            {"interface endpoints": 14 * 0.01, "public addresses": 0.01},
        ),
        (Network(vpc_id="vpc-1"), {"public addresses": 0.01}),
    ],
)
def test_the_way_out_is_priced_as_it_is_built(network: Network, lines: Mapping[str, float]) -> None:
    """One gateway, one in each zone, endpoints instead, or a network that somebody else pays."""
    found = estimate(replace(environment(), network=network), PRICES)
    names = ("NAT gateways", "interface endpoints", "public addresses")
    told = {line.what: line.expected for line in found.lines if line.what in names}
    assert told == pytest.approx(dict(lines))


def test_a_month_is_the_sum_of_its_lines() -> None:
    """By model and together."""
    found = estimate(two_models(), snapshot("us-east-1"))
    parts = [found.total(name).expected for name in ("", "chat", "french")]
    assert found.total().expected == pytest.approx(sum(parts))
    assert all(part > 0 for part in parts)


def test_nothing_is_free_because_its_price_is_unknown() -> None:
    """A type without a price is named, and spot without one is counted at its ceiling."""
    unknown = estimate(environment(), replace_prices(on_demand={}, spot={}))
    assert "a.large" in unknown.unpriced[0]
    assert "not in the figures" in unknown.unpriced[0]
    ceiling = estimate(environment(), replace_prices(spot={}))
    assert "counted as on demand" in ceiling.unpriced[0]
    assert hourly(ceiling, "spot instances")[1] == pytest.approx(3 * 1.0)


def test_a_million_tokens() -> None:
    """A replica at $0.40 an hour that makes 1,000 tokens a second makes a million for 11 cents."""
    fast = Instances(types=TYPES, zones=ZONES, tokens_per_second=1000)
    assert estimate(environment(instances=fast), PRICES).per_million == pytest.approx({"chat": 0.4 / 3.6})
    assert estimate(environment(), PRICES).per_million == {}


def test_what_is_not_watched_is_not_paid() -> None:
    """Dashboards and metrics of replicas can be turned off."""
    less = replace(environment(), monitoring=Monitoring(dashboards=False, replicas=False))
    saved = estimate(environment(), PRICES).total().expected - estimate(less, PRICES).total().expected
    units = PRICES.units
    assert saved == pytest.approx(2 * units[Unit.DASHBOARD_MONTH] + 4 * 6 * units[Unit.METRIC_MONTH])


def test_closer_watch_costs_calls() -> None:
    """Each replica makes one an interval: four of them six times as many at 10 s as at 60 s."""
    closer = replace(environment(), monitoring=Monitoring(interval="10s"))
    more = estimate(closer, PRICES).total().expected - estimate(environment(), PRICES).total().expected
    assert more == pytest.approx(4 * 5 * 60 * 730 * PRICES.units[Unit.METRIC_CALL])
    assert more == pytest.approx(8.76)


@given(
    least=st.integers(0, 6),
    more=st.integers(1, 6),
    base=st.integers(0, 6),
    extra=st.integers(0, 3),
    fallback=st.booleans(),
)
def test_the_busiest_hour_is_never_cheaper(
    least: int, more: int, base: int, extra: int, fallback: bool
) -> None:
    """Low, expected and high are in order, whatever the settings."""
    spec = Spot(on_demand_base=min(base, least), overprovision=extra, fallback=fallback)
    total = estimate(environment(replicas=Replicas(min=least, max=least + more), spot=spec), PRICES).total()
    assert 0 < total.low <= total.expected <= total.high


def test_the_snapshot_knows_types_that_there_are() -> None:
    """Every price is of a type that the catalogue has; what a region lacks in units, us-east-1 has."""
    for region in ("us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1", "sa-east-1"):
        known = snapshot(region)
        assert known.on_demand.keys() | known.spot.keys() <= catalogue().keys()
        assert set(known.units) == set(Unit)
        assert bool(known.on_demand) == (region != "sa-east-1")
    assert snapshot("eu-central-1").units[Unit.BALANCER_HOUR] == 0.027


def test_spot_is_seldom_dearer_than_on_demand_and_never_free() -> None:
    """What was observed is plausible: a typing error would show."""
    for region in ("us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1"):
        known = snapshot(region)
        for type_, places in known.spot.items():
            assert all(0.05 < price / known.on_demand[type_] <= 1.001 for price in places.values()), type_


def test_zones_by_id_stand_for_zones_by_name() -> None:
    """Which id a zone has differs by account: the mean of the region's is taken."""
    by_id = replace_prices(spot={"a.large": {"use1-az1": 0.2, "use1-az2": 0.4}})
    found = spot(by_id, ("a.large",), ZONES)
    assert found
    assert found.expected == pytest.approx(0.3)


def test_prices_grow_old() -> None:
    """After a month they are said to be stale."""
    assert not PRICES.is_stale(date(2026, 12, 1))
    assert PRICES.is_stale(date(2026, 12, 2))


def replace_prices(**changes: Mapping[str, object]) -> Prices:
    """The prices with others in their place."""
    return dataclasses.replace(PRICES, **changes)  # type: ignore[arg-type]
