"""What instances are billed, and how near an estimate comes to it."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from infra.cost.bill import Usage, bill
from infra.cost.estimate import estimate
from infra.cost.prices import Prices, snapshot, spot
from infra.embedded.aws import autoscaling, ec2, views
from infra.embedded.meter import Meter
from infra.environment import names
from infra.environment.model import Environment, Instances, Replicas, Spot
from infra.environment.slots import Market, Slot
from tests.fakes.environments import model, two_models

TYPES, ZONES = ("g5.xlarge", "g6.xlarge", "g6e.xlarge"), ("us-east-1a", "us-east-1b")
PRICES = Prices(
    region="us-east-1",
    day=snapshot("us-east-1").day,
    source="a test",
    on_demand={each: snapshot("us-east-1").on_demand[each] for each in TYPES},
    spot={
        "g5.xlarge": {"us-east-1a": 0.40, "us-east-1b": 0.46},
        "g6.xlarge": {"us-east-1a": 0.31, "us-east-1b": 0.35},
        "g6e.xlarge": {"us-east-1a": 0.82, "us-east-1b": 0.90},
    },
)
REPLICAS, ON_DEMAND = 8, 4
HOUR, STEP, DAY = 3600.0, 150.0, 86_400.0
WITHIN = 0.05


class SixPools:
    """A spot market with capacity in one pool at a time: all six in turn, shuffled. On demand has all."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._coming: list[tuple[str, str]] = []

    def __call__(self, zone: str, instance_type: str, market: str) -> bool:
        """Whether there is capacity; once it is taken, there is some in another pool."""
        if market != "spot":
            return instance_type == min(TYPES, key=PRICES.on_demand.__getitem__)
        if not self._coming:
            self._coming = [(zone, type_) for zone in ZONES for type_ in TYPES]
            self._chance.shuffle(self._coming)
        if (zone, instance_type) != self._coming[-1]:
            return False
        self._coming.pop()
        return True


@pytest.fixture
def cloud_with_a_market(cloud: Any) -> Iterator[Any]:
    """A cloud whose spot market has six pools."""
    autoscaling.set_capacity(SixPools(random.Random(7)))
    yield cloud
    autoscaling.set_capacity(None)


def half_spot() -> Environment:
    """Eight replicas, four of them on demand, of three types in two zones."""
    from msgspec.structs import replace

    chat = model(
        instances=Instances(types=TYPES, zones=ZONES),
        replicas=Replicas(min=REPLICAS, max=REPLICAS),
        spot=Spot(on_demand_base=ON_DEMAND, fallback=False),
    )
    return replace(two_models("shop"), models={"chat": chat})


def launched(cloud: Any) -> None:
    """The model's two groups, as the stack makes them, at their sizes."""
    template = {"LaunchTemplateSpecification": {"LaunchTemplateId": cloud.template(), "Version": "1"}}
    network = cloud.network()[1]
    for kind, share in ((Market.SPOT, 0), (Market.ON_DEMAND, 100)):
        cloud.group(
            network,
            AutoScalingGroupName=names.group("shop", "chat", Slot.BLUE, kind),
            DesiredCapacity=ON_DEMAND if kind is Market.ON_DEMAND else REPLICAS - ON_DEMAND,
            MaxSize=REPLICAS,
            MixedInstancesPolicy={
                "LaunchTemplate": {**template, "Overrides": [{"InstanceType": each} for each in TYPES]},
                "InstancesDistribution": {"OnDemandPercentageAboveBaseCapacity": share},
            },
        )


def a_day(cloud: Any, meter: Meter) -> int:
    """Let a day pass; each hour one spot instance is taken. Returns how many were."""
    taken = 0
    for step in range(int(DAY / STEP)):
        cloud.reconcile()
        cloud.boot()
        meter.look(cloud.now)
        if step % (HOUR / STEP) == 0:
            on_spot = [each for each in views.instances() if (each.market, each.state) == ("spot", "running")]
            for each in on_spot[:1]:
                ec2.mark_terminated(each.id, "Server.SpotInstanceTermination")
                taken += 1
        cloud.now += STEP
    meter.look(cloud.now)
    return taken


def test_an_estimate_is_near_the_bill(cloud_with_a_market: Any) -> None:
    """Over a day with an interruption each hour, half on spot in six pools: within five percent."""
    environment, meter = half_spot(), Meter(views.instances)
    launched(cloud_with_a_market)
    assert a_day(cloud_with_a_market, meter) >= 20
    usage = [Usage(**vars(pool), hours=hours) for pool, hours in meter.hours().items()]
    charged = sum(each.dollars or 0.0 for each in bill(usage, environment, PRICES))

    lines = [line for line in estimate(environment, PRICES).lines if "instances" in line.what]
    expected = sum(line.expected for line in lines) * DAY / HOUR
    assert expected == pytest.approx(charged, rel=WITHIN)
    first = spot(PRICES, TYPES[:1], ZONES)
    assert first
    by_the_first_override = (ON_DEMAND * PRICES.on_demand[TYPES[0]] + 4 * first.expected) * DAY / HOUR
    assert by_the_first_override != pytest.approx(charged, rel=WITHIN)
