"""How available a model would be on spot, before anybody knows: its settings on a market that is drawn.

The market is the synthetic one of docs/simulate.md, a pool for each zone and instance type, always the same
one: what differs between before and after a change is due to the change. Figures say which of two settings
is safer, not what a region will do.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.environment.model import Environment, Model
from infra.guardian.planning import settings
from infra.simulate.comparison import compare
from infra.simulate.synthetic import Parameters, draw
from infra.simulate.types import Demand, Rules
from infra.spot.types import Settings

DAYS = 7
_MOST_POOLS = 9
_NOTICE_SECONDS = 120.0
"""https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html"""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Shares of the time, 0 to 1, that a model has all the replicas it wants."""

    model: str
    wanted: int
    """replicas.min, at least 1."""
    before: float | None
    """None: the model is new, or nobody knows what it was."""
    after: float


def forecasts(before: Environment | None, after: Environment) -> tuple[Forecast, ...]:
    """Of the models whose availability a change may touch."""
    return tuple(_forecasts(before, after))


def _forecasts(before: Environment | None, after: Environment) -> Iterator[Forecast]:
    models = before.models if before else {}
    for name, model in after.models.items():
        old = models.get(name)
        if old is None or _inputs(old) != _inputs(model):
            yield Forecast(
                model=name,
                wanted=_wanted(model),
                before=_availability(old) if old else None,
                after=_availability(model),
            )


def _inputs(model: Model) -> tuple[int, int, Settings]:
    return _wanted(model), _pools(model), settings(model).relative


def _availability(model: Model) -> float:
    wanted, pools, held = _inputs(model)
    capacity = max(Parameters.capacity, wanted)  # so that no size is too large for every market
    market = draw(Parameters(zones=pools, days=DAYS, capacity=capacity))
    rules = Rules(notice=_NOTICE_SECONDS, spot_price=held.spot_price)
    (outcome,) = compare(market, Demand.constant(wanted), rules, held, ("llmctl",))
    return outcome.availability


def _wanted(model: Model) -> int:
    return max(model.replicas.min, 1)


def _pools(model: Model) -> int:
    return min(_MOST_POOLS, len(model.instances.zones) * len(model.instances.types))
