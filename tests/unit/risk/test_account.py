"""What only the account tells: quotas and offers."""

import dataclasses

import pytest

from infra.environment.model import Instances, Replicas, Spot
from infra.environment.slots import Market
from infra.risk.account import QUOTAS, Account, quota
from infra.risk.registry import judge
from infra.risk.types import Subject
from tests.unit.risk.prepared import chat

SPOT, ON_DEMAND = QUOTAS["g", Market.SPOT].code, QUOTAS["g", Market.ON_DEMAND].code
ZONES = ("us-east-1a", "us-east-1b")
# Of four vCPUs each: 2 to 4 replicas, one of them on demand, an extra one on spot. French has 3 to 5.
ENVIRONMENT = chat(
    instances=Instances(types=("g5.xlarge", "g6.xlarge"), zones=ZONES),
    replicas=Replicas(min=2, max=4),
    spot=Spot(on_demand_base=1, overprovision=1),
)
ROOMY = Account(limits={SPOT: 1000, ON_DEMAND: 1000}, others={}, zones={})


def told(account: Account | None) -> list[tuple[str, str, str]]:
    """Rule, model and words of the account's risks."""
    risks = judge(Subject(ENVIRONMENT, ENVIRONMENT, (), account))
    return [(risk.id, risk.model, risk.what) for risk in risks]


def test_nobody_asked() -> None:
    """Without an account nothing is said about one."""
    assert told(None) == []
    assert told(ROOMY) == []


def test_minimums_that_do_not_fit_are_a_danger() -> None:
    """All models share a quota, and it is the second that doesn't fit any more."""
    (risk,) = told(dataclasses.replace(ROOMY, limits={SPOT: 16, ON_DEMAND: 1000}))
    assert risk[:2] == ("quota-too-small", "french")
    assert risk[2].startswith("20 vCPUs at least, and 16 are left of 16 (All G and VT Spot")


def test_maximums_that_do_not_fit_are_told() -> None:
    """Including what would be on demand when spot is gone."""
    (risk,) = told(dataclasses.replace(ROOMY, limits={SPOT: 1000, ON_DEMAND: 20}))
    assert risk[:2] == ("quota-headroom", "french")
    assert "36 vCPUs at most, and 20 are left of 20" in risk[2]


def test_what_others_run_is_taken() -> None:
    """A quota is the whole account's."""
    full = dataclasses.replace(ROOMY, limits={SPOT: 40, ON_DEMAND: 1000}, others={SPOT: 32})
    assert [risk[:2] for risk in told(full)] == [("quota-too-small", "french"), ("quota-headroom", "chat")]


def test_a_quota_that_is_not_known_is_not_zero() -> None:
    """It is said that it isn't known, and nothing else."""
    unknown = Account(limits={}, others={}, zones={}, unknown=("the quota x: access denied",))
    assert told(unknown) == [("account-unknown", "", "the quota x: access denied")]


def test_pools_that_are_not_offered() -> None:
    """By type, with the zones; a type that nobody could ask about is not blamed."""
    zones = {"g5.xlarge": frozenset({"us-east-1a"}), "g6.xlarge": frozenset(ZONES)}
    assert told(dataclasses.replace(ROOMY, zones=zones)) == [
        ("not-offered", "chat", "g5.xlarge is not offered in us-east-1b"),
        ("not-offered", "french", "g5.xlarge is not offered in us-east-1b"),
    ]


@pytest.mark.parametrize(
    ("instance_type", "spot", "on_demand"),
    [
        ("g6e.12xlarge", "L-3819A6DF", "L-DB2E81BA"),
        ("p4d.24xlarge", "L-7212CCBC", "L-417A185B"),
        ("p5.48xlarge", "L-C4BD4855", "L-417A185B"),
        ("gr6.4xlarge", "L-3819A6DF", "L-DB2E81BA"),
        ("c7i.large", "L-34B43A08", "L-1216C47A"),
    ],
)
def test_every_family_has_its_quota(instance_type: str, spot: str, on_demand: str) -> None:
    """By Service Quotas' codes."""
    found = [quota(instance_type, market) for market in (Market.SPOT, Market.ON_DEMAND)]
    assert [each.code for each in found if each] == [spot, on_demand]


def test_a_family_of_its_own_is_not_judged() -> None:
    """Whatever its quota is, it isn't one of these."""
    assert quota("p6-b200.48xlarge", Market.SPOT) is None
    assert quota("inf2.xlarge", Market.ON_DEMAND) is None
    assert quota("x2gd.large", Market.SPOT) is None
