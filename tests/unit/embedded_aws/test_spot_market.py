"""What the emulated spot market has, whom it takes, and what it refuses to be told."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from infra.embedded.aws import autoscaling, views
from infra.embedded.aws.spot_market import Holder, SpotMarket, losses
from infra.errors import LlmctlError
from tests.unit.embedded_compute.test_compute import INSTANCE

ZONE = "us-east-1a"


def spot(number: int, zone: str = ZONE, market: str = "spot") -> views.Instance:
    """An instance that was launched as the `number`th."""
    return replace(
        INSTANCE, id=f"i-{number}", zone=zone, state="running", market=market, launched=float(number)
    )


@dataclass
class FakeTaker:
    """Records; `absent` have no machine."""

    told: list[tuple[Any, ...]] = field(default_factory=list)
    absent: str = ""

    def interrupt(self, instance_id: str, at: float) -> None:
        """Note it."""
        if instance_id == self.absent:
            raise LlmctlError("no machine")
        self.told.append(("interrupt", instance_id, at))

    def kill(self, instance_id: str) -> None:
        """Note it."""
        self.told.append(("kill", instance_id))


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[views.Instance]]:
    """What EC2 runs."""
    found = [spot(number) for number in (1, 2, 3)]
    monkeypatch.setattr(views, "instances", lambda: tuple(found))
    yield found
    autoscaling.set_capacity(None)


def test_the_newest_go_first() -> None:
    """Only where there are too many, and nobody is taken twice."""
    here = [spot(number) for number in (1, 3, 2)]
    assert losses({ZONE: 1}, here, frozenset()) == ("i-2", "i-3")
    assert losses({ZONE: 1}, here, frozenset({"i-3"})) == ("i-2",)
    assert losses({ZONE: 3}, here, frozenset()) == ()
    assert losses({"us-east-1b": 0}, here, frozenset()) == ()


def test_steps_follow_each_other_and_begin_anew() -> None:
    """A zone that a step doesn't name has no limit in it."""
    market = SpotMarket.told({"steps": [[0, {ZONE: 0}], [30, {}]], "repeat": 60})
    assert [market.capacity(at) for at in (0, 29, 30, 59, 60)] == [{ZONE: 0}, {ZONE: 0}, {}, {}, {ZONE: 0}]


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"zones": {}},
        {"steps": [[0]]},
        {"steps": [[0, {ZONE: -1}]]},
        {"steps": [[5, {}], [0, {}]]},
        {"steps": [[0, {}], [5, {}]], "repeat": 5},
        {"notice": -1},
    ],
)
def test_what_cannot_be_is_refused(wrong: Any) -> None:
    """With words, before anything changes."""
    with pytest.raises(ValueError, match=r"market|repeat|notice|capacity"):
        SpotMarket.told(wrong)


def test_instances_are_taken_once_with_a_notice(running: list[views.Instance]) -> None:
    """What falls out of the market learns it, and one that isn't booted yet learns it later."""
    holder, taker = Holder(), FakeTaker(absent="i-3")
    holder.set(SpotMarket(steps=((0.0, {ZONE: 1}),), notice=60), 100.0)
    holder.reconcile(taker, 101.0)
    holder.reconcile(taker, 102.0)
    assert taker.told == [("interrupt", "i-2", 161.0)]
    taker.absent = ""
    holder.reconcile(taker, 103.0)
    assert taker.told[1:] == [("interrupt", "i-3", 163.0)]


def test_no_notice_is_a_kill(running: list[views.Instance]) -> None:
    """As happens on AWS, too; on-demand instances are nobody's to take."""
    running[2] = spot(3, market="on-demand")
    holder, taker = Holder(), FakeTaker()
    holder.set(SpotMarket(steps=((0.0, {ZONE: 0}),), notice=0), 0.0)
    holder.reconcile(taker, 1.0)
    assert taker.told == [("kill", "i-1"), ("kill", "i-2")]


def test_launches_fail_where_there_is_no_more(running: list[views.Instance]) -> None:
    """Fewer than the capacity must run there; on demand there is always one, and in a cleared market."""
    holder = Holder()
    holder.set(SpotMarket(steps=((0.0, {ZONE: 3, "us-east-1b": 1}),)), 0.0)
    (grants,) = autoscaling._market
    asked = [(ZONE, "spot"), ("us-east-1b", "spot"), ("us-east-1c", "spot"), (ZONE, "on-demand")]
    assert [grants(zone, "g5.xlarge", market) for zone, market in asked] == [False, True, True, True]
    holder.set(SpotMarket(), 1.0)
    assert autoscaling._market == []
