"""How long a step must bake until its gates can see anything: said before a rollout begins."""

import math
from statistics import NormalDist

from infra.rollout.statistics import FINAL_Z
from infra.rollout.types import Plan

_POWER = NormalDist().inv_cdf(0.8)
"""A change is seen with this probability: four times of five."""
_LEAST_RATE = 0.001
"""Share of errors of a model that had none: some will come."""
_LEAST_CHANGE = 0.02
"""What a gate should see where errors are so few that twice as many are still few."""


def needed_samples(before: float, after: float) -> int:
    """Requests of the new release after which errors that rose from one share to another are seen.

    The usual normal approximation for two proportions (Fleiss, Levin and Paik, Statistical Methods for Rates
    and Proportions, 2003, 4.2), with the old release's requests far more than the new one's.
    """
    if not 0 <= before < after <= 1:
        raise ValueError(f"errors can't rise from {before:g} to {after:g}")
    reach = FINAL_Z * math.sqrt(before * (1 - before)) + _POWER * math.sqrt(after * (1 - after))
    return max(1, math.ceil((reach / (after - before)) ** 2))


def power_notes(plan: Plan, rate_per_second: float, baseline_error_rate: float) -> tuple[str, ...]:
    """One line for each step that is over before its gates can have seen what they should.

    `baseline_error_rate`: share of requests that failed lately, 0 to 1.
    """
    if not plan.gates:
        return ()
    doubled = 2 * baseline_error_rate >= _LEAST_CHANGE
    before = max(min(baseline_error_rate, 0.5), _LEAST_RATE)
    after = 2 * before if doubled else _LEAST_CHANGE
    samples = max(needed_samples(before, after), *(gate.min_samples for gate in plan.gates))
    change = "a doubled error rate" if doubled else f"{_LEAST_CHANGE:.0%} of errors".replace("%", " %")
    notes = []
    for step in plan.steps:
        if not step.bake:
            continue
        if rate_per_second <= 0:
            return ("there is no traffic to judge by: `rollout.golden.replay` would send some",)
        seconds = samples / (rate_per_second * step.weight / 100)
        if seconds > step.bake:
            notes.append(
                f"at {_rate(rate_per_second)} the step at {step.weight} % needs {_length(seconds)} "
                f"to see {change}; it bakes {_length(step.bake)}"
            )
    return tuple(notes)


def _rate(per_second: float) -> str:
    if per_second >= 1:
        return f"{per_second:.3g} requests/s"
    return f"{60 * per_second:.3g} requests/min"


def _length(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
