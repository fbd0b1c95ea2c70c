"""The suites that llmctl ships, as data. Budgets are goals for three replicas."""

from infra.chaos.types import Budget, Faults, Market, Step, Suite, Take, Who
from infra.errors import Refused

_NOTICE = 120.0
_KEPT = Budget(failed=0.0, truncated=0)
_HARD = Budget(failed=0.01)

_ALL = (
    Suite(
        name="notice",
        summary="One spot replica gets two minutes' notice and is taken.",
        seconds=300,
        steps=(Step(at=30, do=Take(who=Who.ONE, notice=_NOTICE)),),
        budget=_KEPT,
    ),
    Suite(
        name="kill",
        summary="One spot replica is gone without a notice.",
        seconds=150,
        steps=(Step(at=30, do=Take(who=Who.ONE)),),
        budget=_HARD,
    ),
    Suite(
        name="half",
        summary="Half of the spot replicas get notice at once.",
        seconds=300,
        steps=(Step(at=30, do=Take(who=Who.HALF, notice=_NOTICE)),),
        budget=_KEPT,
    ),
    Suite(
        name="zone",
        summary="All spot replicas of one zone get notice at once.",
        seconds=300,
        steps=(Step(at=30, do=Take(who=Who.ZONE, notice=_NOTICE)),),
        budget=_KEPT,
    ),
    Suite(
        name="drought",
        summary="No spot capacity anywhere for five minutes.",
        seconds=600,
        steps=(Step(at=30, do=Market(seconds=300)),),
        budget=_KEPT,
    ),
    Suite(
        name="flapping",
        summary="Spot capacity comes and goes each minute, for five minutes.",
        seconds=600,
        steps=(Step(at=30, do=Market(seconds=300, flap=60)),),
        budget=_HARD,
    ),
    Suite(
        name="api",
        summary="A third of API calls is throttled while one replica gets notice.",
        seconds=300,
        steps=(
            Step(at=20, do=Faults(seconds=240, faults={"throttle": 0.33})),
            Step(at=30, do=Take(who=Who.ONE, notice=_NOTICE)),
        ),
        budget=_KEPT,
    ),
)

SHIPPED = {suite.name: suite for suite in _ALL}


def named(name: str) -> Suite:
    """The shipped suite of that name. Raises `Refused` for an unknown one."""
    try:
        return SHIPPED[name]
    except KeyError:
        raise Refused(f"no chaos suite {name!r}", hint=f"one of {', '.join(SHIPPED)}") from None
