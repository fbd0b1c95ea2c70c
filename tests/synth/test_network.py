"""Ranges of subnets."""

from ipaddress import IPv4Network
from typing import Literal

import pytest

from infra.errors import Refused
from modules.network.network import subnet_range


@pytest.mark.parametrize(
    ("zone", "side", "expected"),
    [
        ("us-east-1a", "private", "10.0.0.0/20"),
        ("us-east-1b", "private", "10.0.16.0/20"),
        ("us-east-1b", "public", "10.0.144.0/20"),
        ("us-east-1h", "public", "10.0.240.0/20"),
    ],
)
def test_range(zone: str, side: Literal["private", "public"], expected: str) -> None:
    """A range follows from the zone's letter and the side, and from nothing else."""
    assert subnet_range("10.0.0.0/16", zone, side) == expected


def test_ranges_never_overlap() -> None:
    """All zones on both sides share the VPC without a gap or an overlap, in the narrowest one too."""
    sides: tuple[Literal["private", "public"], ...] = ("private", "public")
    ranges = [
        IPv4Network(subnet_range("10.0.0.0/20", f"us-east-1{x}", side)) for x in "abcdefgh" for side in sides
    ]
    assert sum(each.num_addresses for each in ranges) == IPv4Network("10.0.0.0/20").num_addresses
    assert len(set(ranges)) == len(ranges)
    assert min(each.num_addresses for each in ranges) >= 32, "a load balancer needs a /27"


@pytest.mark.parametrize("zone", ["us-east-1i", "us-west-2-lax-1z", "us-east-1-x"])
def test_odd_zones_are_refused(zone: str) -> None:
    """A zone without a place of its own gets none, instead of somebody else's."""
    with pytest.raises(Refused, match=zone):
        subnet_range("10.0.0.0/16", zone, "private")
