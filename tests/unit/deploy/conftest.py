"""An environment with two models, as `deploy` sees it right after the first apply."""

import pytest

from infra.deploy.types import Group
from infra.environment import names
from infra.environment.capacity import bounds
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from tests.fakes.deploy import FakeBalancer, FakeFleet, FakeRuntime
from tests.fakes.environments import two_models


@pytest.fixture
def environment() -> Environment:
    """Two models, `chat` and `french`."""
    return two_models()


def group(environment: Environment, name: str, slot: Slot, market: Market, **changes: object) -> Group:
    """A group as Terraform creates it: empty, on the first release."""
    facts: dict[str, object] = {
        "name": names.group(environment.environment, name, slot, market),
        "model": name,
        "slot": slot,
        "market": market,
        "release": 1,
        "min": 0,
        "desired": 0,
        "max": bounds(environment.models[name], market).max,
    }
    return Group(**{**facts, **changes})  # type: ignore[arg-type]


@pytest.fixture
def fleet(environment: Environment) -> FakeFleet:
    """All groups of both models, empty."""
    groups = [
        group(environment, name, slot, market)
        for name in environment.models
        for slot in Slot
        for market in Market
    ]
    return FakeFleet({item.name: item for item in groups}, dict.fromkeys(environment.models, 1))


@pytest.fixture
def balancer(environment: Environment) -> FakeBalancer:
    """A balancer that sends everything to blue."""
    return FakeBalancer(weights_by_model={key: {Slot.BLUE: 100, Slot.GREEN: 0} for key in environment.models})


@pytest.fixture
def runtime() -> FakeRuntime:
    """An empty runtime table."""
    return FakeRuntime()
