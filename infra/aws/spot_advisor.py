"""Asks AWS's Spot Instance Advisor how often instance types are interrupted.

It is a public document about all regions, without an API or credentials; what concerns a region is kept for
a day. The page that shows it: https://aws.amazon.com/ec2/spot/instance-advisor/
"""

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from infra.errors import LlmctlError
from infra.risk.market import Rate

ADDRESS = "https://spot-bid-advisor.s3.amazonaws.com/spot-advisor-data.json"
_TIMEOUT_SECONDS = 5.0
_SYSTEM = "Linux"


@dataclass(frozen=True)
class SpotAdvisor:
    """The document at an address; `folder`: where its answers are kept."""

    folder: Path
    address: str = ADDRESS

    def rates(self, region: str, now: datetime) -> Mapping[str, Rate]:
        """How often each instance type of a region was interrupted; raises `LlmctlError`."""
        file, day = self.folder / f"interruptions-{region}.json", now.date().isoformat()
        try:
            kept = json.loads(file.read_text())
            if kept["day"] == day:
                return {type_: Rate(**rate) for type_, rate in kept["rates"].items()}
        except (OSError, ValueError, KeyError, TypeError):
            pass  # nothing kept, or by another version: it is asked for again
        rates = self._ask(region)
        self.folder.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_text(
            json.dumps({"day": day, "rates": {name: asdict(rate) for name, rate in rates.items()}})
        )
        part.replace(file)
        return rates

    def _ask(self, region: str) -> dict[str, Rate]:
        try:
            with urllib.request.urlopen(self.address, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - ours
                document = json.load(answer)
            labels = {each["index"]: each["label"] for each in document["ranges"]}
            types = document["spot_advisor"].get(region, {}).get(_SYSTEM, {})
            return {name: Rate.of(labels[each["r"]]) for name, each in types.items()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LlmctlError(f"the Spot Instance Advisor gave no answer: {error}") from error
