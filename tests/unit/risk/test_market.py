"""What is foreseen of the spot market."""

import pytest

from infra.environment.model import Instances, Replicas, Spot
from infra.risk.account import Account
from infra.risk.forecast import Forecast, forecasts
from infra.risk.market import Rate
from infra.risk.registry import judge
from infra.risk.types import Subject
from tests.unit.risk.prepared import BEFORE, chat

CALM, BUSY = Rate.of("<5%"), Rate.of(">20%")
ONE_POOL = Instances(types=("g5.xlarge",), zones=("us-east-1a",))
BARE = chat(instances=ONE_POOL, spot=Spot(fallback=False))


def told(rates: dict[str, Rate]) -> list[tuple[str, str, str]]:
    """Rule, model and words of what is said of an account's region."""
    account = Account(limits={}, others={}, zones={}, interruptions=rates)
    risks = judge(Subject(BEFORE, BEFORE, (), account))
    return [(risk.id, risk.model, risk.what) for risk in risks]


@pytest.mark.parametrize(("label", "least"), [("<5%", 0), ("5-10%", 5), ("15-20%", 15), (">20%", 20)])
def test_ranges_are_read_as_they_are_written(label: str, least: int) -> None:
    """By their lower end."""
    assert Rate.of(label) == Rate(least, label)


def test_no_calm_type_is_told() -> None:
    """With the types and their ranges; models choose from both."""
    assert told({"g5.xlarge": BUSY, "g6.xlarge": BUSY}) == [
        ("often-interrupted", name, "interrupted within a month: g5.xlarge >20%, g6.xlarge >20%")
        for name in ("chat", "french")
    ]


def test_one_calm_type_is_enough() -> None:
    """Replicas go where it is calm; and a type that nobody knows of is not blamed."""
    assert told({"g5.xlarge": BUSY, "g6.xlarge": CALM}) == []
    assert told({}) == []


def test_only_what_changes_is_foreseen() -> None:
    """A model whose settings stay as they are costs no time."""
    assert forecasts(BEFORE, BEFORE) == ()
    assert [each.model for each in forecasts(BEFORE, BARE)] == ["chat"]
    assert [each.model for each in forecasts(None, BARE)] == ["chat", "french"]


def test_a_bare_market_is_foreseen_as_worse() -> None:
    """One pool without a fallback is less available than two zones with a base on demand, and is told."""
    (chat_,) = forecasts(BEFORE, BARE)
    assert chat_.before is not None
    assert chat_.after < 0.99 < chat_.before
    risks = judge(Subject(BEFORE, BARE, (), None, (chat_,)))
    (risk,) = [risk for risk in risks if risk.id == "low-availability"]
    assert risk.model == "chat"
    assert risk.what.startswith(f"all 3 replicas there {chat_.after:.2%} of 7 days")
    assert risk.what.endswith(f"{chat_.before:.2%} before")


def test_on_demand_is_always_there() -> None:
    """What holds no replica on spot has nothing to fear from it."""
    calm = chat(replicas=Replicas(min=2, max=4), spot=Spot(on_demand_base=2))
    (chat_,) = forecasts(None, calm)[:1]
    assert chat_ == Forecast(model="chat", wanted=2, before=None, after=1.0)
