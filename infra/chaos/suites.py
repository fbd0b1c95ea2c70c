"""The suites that llmctl ships, as data. Budgets are for three replicas and an extra one (docs/chaos.md)."""

from infra.chaos.types import Break, Budget, Faults, Injection, Market, Step, Suite, Take, Who
from infra.embedded.troubles import Trouble
from infra.errors import Refused

_NOTICE = 120.0
_KEPT = Budget(failed=0.0, truncated=0)
_HARD = Budget(failed=0.01)
_HUNG = Budget(failed=0.05)
"""A hung engine takes its share of the requests until the balancer's checks have failed three times."""


def _suite(name: str, summary: str, seconds: float, budget: Budget, *steps: tuple[float, Injection]) -> Suite:
    return Suite(
        name=name,
        summary=summary,
        seconds=seconds,
        steps=tuple(Step(at=at, do=injection) for at, injection in steps),
        budget=budget,
    )


def _noticed(who: Who) -> tuple[float, Injection]:
    return 30, Take(who=who, notice=_NOTICE)


def _broken(what: Trouble, who: Who, seconds: float, by: float = 0.0) -> tuple[float, Injection]:
    return 30, Break(what=what, who=who, seconds=seconds, by=by)


_ALL = (
    _suite("notice", "One spot replica gets two minutes' notice.", 240, _KEPT, _noticed(Who.ONE)),
    _suite("kill", "One spot replica is gone without a notice.", 150, _HARD, (30, Take(who=Who.ONE))),
    _suite("half", "Half of the spot replicas get notice at once.", 240, _KEPT, _noticed(Who.HALF)),
    _suite("zone", "All spot replicas of a zone get notice at once.", 240, _KEPT, _noticed(Who.ZONE)),
    _suite("all", "All spot replicas get notice at once.", 240, _KEPT, _noticed(Who.ALL)),
    _suite("drought", "No spot capacity for five minutes.", 480, _KEPT, (30, Market(seconds=300))),
    _suite(
        "flapping",
        "Spot capacity comes and goes each minute, for five minutes.",
        480,
        _HARD,
        (30, Market(seconds=300, flap=60)),
    ),
    _suite(
        "api",
        "A third of API calls is throttled while one replica gets notice.",
        300,
        _KEPT,
        (20, Faults(seconds=240, faults={"throttle": 0.33})),
        _noticed(Who.ONE),
    ),
    _suite(
        "outage",
        "Every API call fails for a minute, from a notice on.",
        300,
        _KEPT,
        _noticed(Who.ONE),
        (31, Faults(seconds=60, faults={"errors": 1.0})),
    ),
    _suite(
        "propagation",
        "The balancer's nodes learn everything a minute late while one replica gets notice.",
        300,
        _KEPT,
        (20, Faults(seconds=240, faults={"propagation": 60})),
        _noticed(Who.ONE),
    ),
    _suite(
        "hang",
        "One engine accepts requests and never answers.",
        180,
        _HUNG,
        _broken(Trouble.ENGINE_HANG, Who.ONE, 120),
    ),
    _suite(
        "agent", "One agent dies, its engine with it.", 150, _HARD, _broken(Trouble.AGENT_DEATH, Who.ONE, 0)
    ),
    _suite(
        "stuck-agent",
        "One agent does nothing for a minute and a half.",
        180,
        _KEPT,
        _broken(Trouble.AGENT_HANG, Who.ONE, 90),
    ),
    _suite(
        "disk",
        "All disks are full for a minute and a half.",
        180,
        _KEPT,
        _broken(Trouble.FULL_DISK, Who.ALL, 90),
    ),
    _suite(
        "clock",
        "All clocks are ten minutes ahead while one replica gets notice.",
        240,
        _KEPT,
        (20, Break(what=Trouble.CLOCK_SKEW, who=Who.ALL, seconds=200, by=600)),
        _noticed(Who.ONE),
    ),
    _suite(
        "metadata",
        "The metadata service is out for a minute and a half, everywhere.",
        180,
        _KEPT,
        _broken(Trouble.METADATA_OUTAGE, Who.ALL, 90),
    ),
    _suite(
        "storm",
        "Half get notice while calls are throttled, weights spread late, disks are full and an agent dies.",
        240,
        _HARD,
        (20, Faults(seconds=200, faults={"throttle": 0.2, "propagation": 20})),
        (20, Break(what=Trouble.FULL_DISK, who=Who.ALL, seconds=120)),
        _noticed(Who.HALF),
        (60, Break(what=Trouble.AGENT_DEATH, who=Who.ONE, seconds=0)),
    ),
)

SHIPPED = {suite.name: suite for suite in _ALL}


def named(name: str) -> Suite:
    """The shipped suite of that name. Raises `Refused` for an unknown one."""
    try:
        return SHIPPED[name]
    except KeyError:
        raise Refused(
            f"no chaos suite {name!r}", hint=f"a file.yaml, or one of {', '.join(SHIPPED)}"
        ) from None
