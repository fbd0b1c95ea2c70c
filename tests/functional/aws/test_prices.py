"""Prices: AWS's answers in their real shapes, what is kept of them, and what is taken without one."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.stub import ANY, Stubber

from infra.aws.prices import PriceBook
from infra.aws.session import Session
from infra.cost.prices import snapshot

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class StubbedSession:
    """A session with clients whose answers are prepared."""

    pricing: Any
    ec2: Any
    region: str = "us-east-1"

    def client(self, service: str, *, region: str | None = None) -> Any:
        """The Price List is in few regions."""
        assert (service, region) == ("pricing", "us-east-1")
        return self.pricing


@dataclass
class Stubs:
    """What is prepared."""

    pricing: Stubber
    ec2: Stubber

    def product(self, type_: str, *prices: tuple[str, str]) -> None:
        """The Price List's answer for a type: unit and price of each dimension."""
        dimensions = {
            f"SKU.{number}": {"unit": unit, "pricePerUnit": {"USD": price}}
            for number, (unit, price) in enumerate(prices)
        }
        entry = {"product": {}, "terms": {"OnDemand": {"SKU.JRTC": {"priceDimensions": dimensions}}}}
        asked = {"ServiceCode": "AmazonEC2", "Filters": ANY, "MaxResults": 100}
        self.pricing.add_response("get_products", {"PriceList": [json.dumps(entry)]}, asked)

    def history(self, *pools: tuple[str, str, str]) -> None:
        """EC2's history: type, zone, price."""
        entries = [
            {"InstanceType": type_, "AvailabilityZone": zone, "SpotPrice": price, "Timestamp": NOW}
            for type_, zone, price in pools
        ]
        self.ec2.add_response("describe_spot_price_history", {"SpotPriceHistory": entries})

    def refusal(self) -> None:
        """Nobody may ask."""
        self.pricing.add_client_error("get_products", "AccessDeniedException", http_status_code=400)


@pytest.fixture
def stubs() -> Iterator[Stubs]:
    """Clients that answer what was prepared, and nothing else."""
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    pricing, ec2 = boto3.client("pricing", **keys), boto3.client("ec2", **keys)  # type: ignore[call-overload]
    with ExitStack() as stack:
        yield Stubs(stack.enter_context(Stubber(pricing)), stack.enter_context(Stubber(ec2)))


@pytest.fixture
def book(stubs: Stubs, tmp_path: Path) -> PriceBook:
    """Prices of that region, kept in a folder of the test's."""
    session = StubbedSession(stubs.pricing.client, stubs.ec2.client)
    return PriceBook(cast(Session, session), tmp_path)


def test_aws_is_asked(stubs: Stubs, book: PriceBook) -> None:
    """What is billed by the hour and not free; pools by type and zone; units from the snapshot."""
    stubs.product("g5.xlarge", ("Hrs", "1.0060000000"), ("Hrs", "0.0000000000"), ("Quantity", "0.5"))
    stubs.history(("g5.xlarge", "us-east-1a", "0.41"), ("g5.xlarge", "us-east-1b", "0.5"))
    found = book.read(["g5.xlarge"], NOW)
    assert found.on_demand["g5.xlarge"] == 1.006
    assert found.spot["g5.xlarge"] == {"us-east-1a": 0.41, "us-east-1b": 0.5}
    assert (found.day, found.units) == (NOW.date(), snapshot("us-east-1").units)


def test_an_answer_is_good_for_a_day(stubs: Stubs, book: PriceBook) -> None:
    """The same day nobody is asked again; the next day a refusal leaves the answer and its day."""
    stubs.product("g5.xlarge", ("Hrs", "1.1"))
    stubs.history(("g5.xlarge", "us-east-1a", "0.41"))
    book.read(["g5.xlarge"], NOW)
    again = book.read(["g5.xlarge"], NOW)
    assert (again.on_demand["g5.xlarge"], again.day) == (1.1, NOW.date())
    stubs.refusal()
    old = book.read(["g5.xlarge"], LATER)
    assert (old.on_demand["g5.xlarge"], old.day) == (1.1, NOW.date())


def test_a_type_that_was_not_asked_for_is(stubs: Stubs, book: PriceBook) -> None:
    """What is kept answers only for what was asked."""
    for type_, price in (("g5.xlarge", "1.1"), ("g5.xlarge", "1.1"), ("p9.huge", "99")):
        stubs.product(type_, ("Hrs", price))
    stubs.history()
    stubs.history()
    book.read(["g5.xlarge"], NOW)
    assert book.read(["g5.xlarge", "p9.huge"], NOW).on_demand["p9.huge"] == 99.0


def test_a_type_without_a_price_is_asked_for_once(stubs: Stubs, book: PriceBook) -> None:
    """What AWS doesn't know today, it won't know with the next plan either."""
    stubs.product("p9.huge")
    stubs.history()
    for _ in range(2):
        assert "p9.huge" not in book.read(["p9.huge"], NOW).on_demand


def test_without_permission_the_snapshot_answers(stubs: Stubs, book: PriceBook) -> None:
    """An estimate never fails for want of credentials; it says where its prices are from."""
    stubs.refusal()
    found = book.read(["g5.xlarge"], NOW)
    assert found == snapshot("us-east-1")
    assert "snapshot" in found.source


def test_what_was_kept_and_is_broken_is_asked_for_again(
    stubs: Stubs, book: PriceBook, tmp_path: Path
) -> None:
    """A file that was cut off is no answer."""
    (tmp_path / "prices-us-east-1.json").write_text('{"day": "2026-11')
    stubs.refusal()
    assert book.read(["g5.xlarge"], NOW).day == snapshot("us-east-1").day
