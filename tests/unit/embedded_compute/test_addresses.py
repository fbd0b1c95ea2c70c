"""Addresses: blocks of clouds never overlap, keys keep their address."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network

import pytest

from infra.embedded.addresses import Addresses
from infra.errors import LlmctlError


@contextmanager
def claimed(name: str = "test") -> Iterator[Addresses]:
    """A claimed block, released at the end."""
    addresses = Addresses.claim(name)
    try:
        yield addresses
    finally:
        addresses.release()


def test_blocks_do_not_overlap() -> None:
    """Two clouds side by side, even of one name, get different blocks, and neither has 127.0.0.0/16."""
    with claimed() as one, claimed() as other:
        assert not one.block.overlaps(other.block)
        assert not one.block.overlaps(IPv4Network("127.0.0.0/16"))


def test_a_key_keeps_its_address() -> None:
    """Asking again gives the same address; other keys get others."""
    with claimed() as addresses:
        first = addresses.allocate("i-1")
        assert addresses.allocate("i-2") != first
        assert addresses.allocate("i-1") == first == addresses.find("i-1")
        assert addresses.find("i-3") is None


def test_freed_addresses_are_reused_last() -> None:
    """An address is not given to another while fresh ones are left: late packets must not find a stranger."""
    with claimed() as addresses:
        first = addresses.allocate("i-1")
        addresses.free("i-1")
        addresses.free("unknown")
        others = {addresses.allocate(f"j-{number}") for number in range(2**16 - 3)}
        assert first not in others
        assert addresses.allocate("i-2") == first
        with pytest.raises(LlmctlError, match="in use"):
            addresses.allocate("i-3")
