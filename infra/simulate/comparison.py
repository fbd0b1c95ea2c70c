"""Runs the policies of a comparison by name. Knows which there are; decides nothing."""

from collections.abc import Callable, Mapping, Sequence

from infra.errors import Refused
from infra.simulate.engine import simulate
from infra.simulate.policies.base import Policy
from infra.simulate.policies.common import AutoscalingGroups, EvenSpread, OnDemand, RoundRobin
from infra.simulate.policies.ours import Ours
from infra.simulate.policies.spothedge import SpotHedge
from infra.simulate.types import Demand, Outcome, Rules, Trace
from infra.spot.types import Settings

POLICIES: Mapping[str, Callable[[Settings], Policy]] = {
    "on-demand": lambda _: OnDemand(),
    "asg": lambda _: AutoscalingGroups(0),
    "asg-25": lambda _: AutoscalingGroups(25),
    "asg-50": lambda _: AutoscalingGroups(50),
    "even-spread": lambda _: EvenSpread(1),
    "round-robin": lambda _: RoundRobin(1),
    "spothedge": lambda _: SpotHedge(1),
    "spothedge-2": lambda _: SpotHedge(2),
    "llmctl": Ours,
}


def compare(
    trace: Trace, demand: Demand, rules: Rules, settings: Settings, names: Sequence[str] = ()
) -> tuple[Outcome, ...]:
    """What becomes of each policy; of all, if none is named. Refuses too short a trace."""
    if trace.ticks * trace.tick_seconds <= rules.cold_start:
        raise Refused(
            f"trace {trace.name} has {trace.ticks * trace.tick_seconds:.0f} s: no more than the cold start",
            hint="the first cold start isn't counted; take a longer trace or a shorter --cold-start",
        )
    return tuple(simulate(trace, demand, rules, POLICIES[name](settings)) for name in names or POLICIES)
