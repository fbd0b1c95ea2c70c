"""What the environment file says reaches the policy."""

import msgspec

from infra.environment.model import Environment, Model
from infra.guardian.planning import settings
from infra.spot.types import Settings
from tests.unit.environment.builders import changed

_CHAT = "models/chat"


def _model(**spot: object) -> Model:
    price = {"on_demand": 1.2, "spot": 0.4}
    changes = ((f"{_CHAT}/spot", spot), (f"{_CHAT}/instances/price", price))
    return msgspec.convert(changed(*changes), Environment).models["chat"]


def test_the_file_sets_the_policy() -> None:
    """Every key of the section has its setting, durations in seconds, prices from the instances."""
    made = settings(
        _model(
            on_demand_base=1,
            overprovision=2,
            spare=0,
            hold="2m",
            longest_hold="1h",
            most_on_demand=1,
            budget=9.0,
        )
    )
    assert made == Settings(
        on_demand_base=1,
        overprovision=2,
        spare=0,
        hold_seconds=120,
        hold_most_seconds=3600,
        on_demand_quota=1,
        budget=9.0,
        spot_price=0.4,
        on_demand_price=1.2,
    )


def test_silence_is_the_shipped_policy() -> None:
    """A file that says nothing of timing gets what the simulator's results are about."""
    made, shipped = settings(_model()), Settings()
    assert (made.hold_seconds, made.hold_most_seconds) == (shipped.hold_seconds, shipped.hold_most_seconds)
    assert made.spare == shipped.spare
