"""Asks AWS for prices: the Price List for on-demand instances, EC2's history for the spot market.

An answer is kept for a day. Without credentials or permission (`pricing:GetProducts`,
`ec2:DescribeSpotPriceHistory`) what was kept before is taken, and then the snapshot that comes with llmctl.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from infra.aws.session import Session, translated
from infra.cost.prices import Prices, snapshot
from infra.errors import LlmctlError

_PRICE_LIST_REGION = "us-east-1"
"""One of the few regions that have the Price List's endpoint; it knows the prices of all."""
_LINUX = "Linux/UNIX"


@dataclass(frozen=True)
class PriceBook:
    """Prices of a session's region, for some instance types.

    `folder`: where answers are kept.
    """

    session: Session
    folder: Path

    def read(self, types: Iterable[str], now: datetime) -> Prices:
        """The newest prices to be had; asks AWS unless it was asked today. Never fails."""
        wanted = sorted(set(types))
        kept, about = self._kept()
        if kept is None or kept.day != now.date() or not about >= set(wanted):
            try:
                asked = self._ask(wanted, now)
            except LlmctlError:
                asked = None
            if asked:
                self._keep(asked, wanted)
                kept = asked
        known = snapshot(self.session.region)
        return kept.over(known) if kept and kept.day >= known.day else known

    @translated("asking for prices")
    def _ask(self, types: list[str], now: datetime) -> Prices:
        return Prices(
            region=self.session.region,
            day=now.date(),
            source="AWS Price List and spot price history",
            on_demand={each: price for each in types if (price := self._on_demand(each)) is not None},
            spot=self._spot(types, now),
        )

    def _on_demand(self, type_: str) -> float | None:
        wanted = {
            "instanceType": type_,
            "regionCode": self.session.region,
            "operatingSystem": "Linux",
            "preInstalledSw": "NA",
            "tenancy": "Shared",
            "capacitystatus": "Used",
        }
        filters = [{"Type": "TERM_MATCH", "Field": key, "Value": value} for key, value in wanted.items()]
        client = self.session.client("pricing", region=_PRICE_LIST_REGION)
        answer = client.get_products(ServiceCode="AmazonEC2", Filters=filters, MaxResults=100)
        found = [price for text in answer["PriceList"] for price in _hourly(json.loads(text))]
        return min(found) if found else None

    def _spot(self, types: list[str], now: datetime) -> Mapping[str, Mapping[str, float]]:
        """What each pool costs now: asked for from now on, the history begins with the price in force."""
        ec2: Any = self.session.ec2  # typed, it takes only the instance types of its own release
        pages = ec2.get_paginator("describe_spot_price_history").paginate(
            InstanceTypes=types, ProductDescriptions=[_LINUX], StartTime=now
        )
        found: dict[str, dict[str, float]] = {}
        for page in pages:
            for each in page["SpotPriceHistory"]:
                found.setdefault(each["InstanceType"], {})[each["AvailabilityZone"]] = float(
                    each["SpotPrice"]
                )
        return found

    @property
    def _file(self) -> Path:
        return self.folder / f"prices-{self.session.region}.json"

    def _kept(self) -> tuple[Prices | None, set[str]]:
        """The last answer, and the types that were asked about: AWS may know no price of some."""
        try:
            raw = json.loads(self._file.read_text())
            day = date.fromisoformat(raw["day"])
            prices = Prices(
                region=self.session.region,
                day=day,
                source=f"AWS, asked on {day}",
                on_demand=raw["on_demand"],
                spot=raw["spot"],
            )
            return prices, set(raw["types"])
        except (OSError, ValueError, KeyError):
            return None, set()

    def _keep(self, prices: Prices, types: list[str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        document = {
            "day": prices.day.isoformat(),
            "types": types,
            "on_demand": prices.on_demand,
            "spot": prices.spot,
        }
        part = self._file.with_suffix(".part")
        part.write_text(json.dumps(document))
        part.replace(self._file)


def _hourly(product: Mapping[str, Any]) -> Iterator[float]:
    """On-demand prices of an entry of the Price List; reservations of capacity are listed at 0."""
    for term in product["terms"].get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            price = float(dimension["pricePerUnit"].get("USD", 0))
            if dimension["unit"] == "Hrs" and price > 0:
                yield price
