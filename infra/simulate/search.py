"""Finds the cheapest settings of llmctl's policy that keep an availability, on the first part of a trace.

What is chosen by a trace flatters itself on it: so the rest of the trace is kept for a second opinion.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product

from infra.simulate.engine import simulate
from infra.simulate.policies.ours import Ours
from infra.simulate.traces import part
from infra.simulate.types import Demand, Outcome, Rules, Trace
from infra.spot.types import Settings

SEEN = 0.6
"""Share of the trace that is searched on."""
_BASES = (0, 1, 2)
_EXTRAS = (0, 1, 2, 3)
_SPARES = (0, 1)
_HOLDS = ((30.0, 600.0), (30.0, 9000.0), (600.0, 9000.0))
"""The hold and the longest hold, seconds."""


@dataclass(frozen=True)
class Found:
    """Settings, and what became of them on both parts of the trace."""

    settings: Settings
    seen: Outcome
    kept: Outcome
    """On the part that was not searched on."""


def candidates(held: Settings, wanted: int) -> tuple[Settings, ...]:
    """Settings to try: `held` with other sizes and holds; a base is a part of what is wanted."""
    tried = product([base for base in _BASES if base <= wanted], _EXTRAS, _SPARES, _HOLDS)
    return tuple(
        replace(
            held,
            on_demand_base=base,
            overprovision=extra,
            spare=spare,
            hold_seconds=hold,
            hold_most_seconds=longest,
        )
        for base, extra, spare, (hold, longest) in tried
    )


def search(
    trace: Trace,
    demand: Demand,
    rules: Rules,
    tried: Iterable[Settings],
    slo: float,
) -> Found:
    """The cheapest settings with an availability of at least `slo` (0 to 1), else the most available."""
    first, rest = part(trace, 0, SEEN), part(trace, SEEN, 1)

    def outcomes() -> Iterator[tuple[Settings, Outcome]]:
        for settings in tried:
            yield settings, simulate(first, demand, rules, Ours(settings))

    def rank(each: tuple[Settings, Outcome]) -> tuple[bool, float, float]:
        _, outcome = each
        good = outcome.availability >= slo
        return not good, outcome.cost if good else -outcome.availability, outcome.cost

    settings, seen = min(outcomes(), key=rank)
    return Found(settings, seen, simulate(rest, _later(demand, first.ticks), rules, Ours(settings)))


def _later(demand: Demand, ticks: int) -> Demand:
    """The demand from a tick on."""
    before = [wanted for tick, wanted in demand.steps if tick <= ticks][-1]
    return Demand(((0, before), *((tick - ticks, wanted) for tick, wanted in demand.steps if tick > ticks)))
