"""What ran, priced."""

from dataclasses import replace

import msgspec

from infra.cost.bill import Usage, bill
from infra.embedded.meter import Meter, Pool
from infra.environment.model import Instances, Price
from tests.fakes.environments import model, two_models
from tests.unit.cost.test_estimate import PRICES
from tests.unit.embedded_compute.test_compute import INSTANCE

SPOT = Usage(
    group="llmctl-test-chat-blue-spot",
    instance_type="a.large",
    market="spot",
    zone="us-east-1b",
    hours=10.0,
)


def test_a_pool_costs_what_it_costs() -> None:
    """Not the mean of the pools: a bill knows where an instance ran; what no model started is nobody's."""
    environment = two_models()
    found = bill([SPOT, replace(SPOT, group="other", market="on-demand")], environment, PRICES)
    assert [each.dollars for each in found] == [5.0, 10.0]
    assert [each.model for each in found] == ["chat", ""]


def test_a_price_in_the_file_goes_first() -> None:
    """As in an estimate, so that both can be compared."""
    own = Instances(types=("a.large",), zones=("us-east-1b",), price=Price(on_demand=0.7, spot=0.2))
    environment = msgspec.structs.replace(two_models(), models={"chat": model(instances=own)})
    (found,) = bill([SPOT], environment, PRICES)
    assert found.dollars == 2.0


def test_what_has_no_price_is_not_free() -> None:
    """It is said to be unknown; spot that isn't known costs at most what on demand does."""
    unknown, ceiling = bill(
        [replace(SPOT, instance_type="p9.huge"), replace(SPOT, instance_type="c.large")], two_models(), PRICES
    )
    assert unknown.dollars is None
    assert ceiling.dollars == 20.0


def test_only_running_is_billed() -> None:
    """Pending and stopped instances cost nothing; one that ends is billed until it was last seen running."""
    states = ["pending", "running", "running", "stopped", "terminated"]
    now = iter(states)
    meter = Meter(lambda: [replace(INSTANCE, state=next(now), autoscaling_group="g")])
    for hour in range(len(states)):
        meter.look(3600.0 * hour)
    assert meter.hours() == {Pool("g", INSTANCE.instance_type, INSTANCE.market, INSTANCE.zone): 2.0}


def test_a_clock_that_goes_back_earns_nothing() -> None:
    """No hour is billed below zero."""
    meter = Meter(lambda: [replace(INSTANCE, state="running")])
    for now in (7200.0, 0.0, 3600.0):
        meter.look(now)
    assert list(meter.hours().values()) == [1.0]
