"""What single resources cost a month."""

import dataclasses

import pytest

from infra.cost.prices import HOURS_A_MONTH, Unit
from infra.cost.resources import ResourcePrices
from infra.teardown.types import Resource
from tests.unit.cost.test_estimate import PRICES

INSTANCE = Resource("shop", "ec2 instance", "i-1", type="a.large", market="spot")


@pytest.mark.parametrize(
    ("resource", "monthly"),
    [
        (INSTANCE, (0.3 + 0.5 + 9.0) / 3 * HOURS_A_MONTH),
        (dataclasses.replace(INSTANCE, market="on-demand"), 1.0 * HOURS_A_MONTH),
        (dataclasses.replace(INSTANCE, type="c.large"), 2.0 * HOURS_A_MONTH),
        (dataclasses.replace(INSTANCE, type="p9.huge"), None),
        (Resource("shop", "ec2 volume", "vol-1", size_gib=100), 100 * PRICES.units[Unit.DISK_GIB_MONTH]),
        (Resource("shop", "ec2 nat gateway", "nat-1"), 0.045 * HOURS_A_MONTH),
        (Resource("shop", "secret", "s"), 0.4),
        (Resource("shop", "ec2 vpc", "vpc-1"), None),
    ],
)
def test_what_exists_costs(resource: Resource, monthly: float | None) -> None:
    """By its mere existence; what has no price, or is billed by use, is not called free."""
    found = ResourcePrices(PRICES).monthly(resource)
    assert found == (None if monthly is None else pytest.approx(monthly))
