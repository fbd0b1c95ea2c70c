"""The floor: what an omniscient policy would pay at least for an availability, as a linear programme (HiGHS).

It knows all of the future, and is relaxed: replicas may be split, and zones are pooled once their capacity
has lasted for a cold start. So nobody can be cheaper, and perhaps nobody can be as cheap. It refuses the free
first hour, under which it would be no floor.
"""

from bisect import bisect_right
from itertools import pairwise
from typing import Any

from infra.errors import Refused
from infra.simulate.traces import NO_LIMIT
from infra.simulate.types import Demand, Rules, Trace


def least_cost(trace: Trace, demand: Demand, rules: Rules, availability: float) -> float:
    """The least cost, relative to all on demand, of having enough ready in that share of the ticks."""
    if rules.free_first_hour:
        raise Refused("no optimum with a free first hour", hint="leave out --free-first-hour")
    numpy, optimize, sparse = _libraries()
    segments = _segments(trace, demand, rules)
    count = len(segments)
    length, wanted, room = (numpy.array(column, dtype=float) for column in zip(*segments, strict=True))
    one, none = sparse.identity(count), sparse.csr_matrix((count, count))
    rise = one - sparse.eye(count, k=-1)
    # Columns: spot, on-demand, launches of each, and whether the segment is good.
    enough = sparse.hstack([-one, -one, none, none, sparse.diags(wanted)])
    spot_rises = sparse.hstack([rise, none, -one, none, none])
    demand_rises = sparse.hstack([none, rise, none, -one, none])
    share = sparse.hstack([sparse.csr_matrix((1, 4 * count)), sparse.csr_matrix(-length)])
    limits = numpy.zeros(3 * count + 1)
    limits[-1] = -availability * length.sum() + 1e-9
    # What runs when the count begins was launched in the first cold start, which is free.
    limits[count] = limits[2 * count] = float(wanted.max())
    cold = rules.cold_start / trace.tick_seconds
    standby = cold if rules.standby_start is None else rules.standby_start / trace.tick_seconds
    every = numpy.ones(count)
    found = optimize.linprog(
        numpy.concatenate(
            [rules.spot_price * length, length, rules.spot_price * cold * every, standby * every, 0 * every]
        ),
        A_ub=sparse.vstack([enough, spot_rises, demand_rises, share]).tocsr(),
        b_ub=limits,
        bounds=[(0, most) for most in room] + [(0, None)] * (3 * count) + [(0, 1)] * count,
        method="highs",
    )
    if found.status != 0:
        raise Refused(f"the optimum wasn't found: {found.message}", hint="shorten the trace")
    return float(found.fun / (length * wanted).sum())


def _libraries() -> tuple[Any, Any, Any]:
    try:
        import numpy
        from scipy import optimize, sparse
    except ImportError as error:
        raise Refused(
            "the optimum needs NumPy and SciPy, which aren't installed",
            hint="pip install 'llmctl-toolkit[simulate]'",
        ) from error
    return numpy, optimize, sparse


def _segments(trace: Trace, demand: Demand, rules: Rules) -> list[tuple[int, int, int]]:
    """(ticks, wanted, spot replicas that may be ready) wherever these change, after the first cold start."""
    cold = -int(-rules.cold_start // trace.tick_seconds)
    usable = [_lasting(steps, cold) for steps in trace.steps]
    cuts = {cold, trace.ticks, *(tick for tick, _ in demand.steps)}
    cuts.update(tick for steps in usable for tick, _ in steps)
    inside = sorted(cut for cut in cuts if cold <= cut <= trace.ticks)
    found = []
    for start, end in pairwise(inside):
        room = min(NO_LIMIT, sum(_at(steps, start) for steps in usable))
        wanted = _at(demand.steps, start)
        found.append((end - start, wanted, min(room, 10 * wanted + 10)))
    return found


def _lasting(steps: tuple[tuple[int, int], ...], cold: int) -> list[tuple[int, int]]:
    """The least capacity of the last `cold` ticks and this one: only what ran through them is ready."""
    cuts = sorted({tick for tick, _ in steps} | {tick + cold for tick, _ in steps})
    found = []
    for cut in cuts:
        inside = [value for tick, value in steps if cut - cold < tick <= cut]
        found.append((cut, min([_at(steps, max(0, cut - cold)), *inside])))
    return found


def _at(steps: Any, tick: int) -> int:
    return int(steps[bisect_right(steps, (tick, NO_LIMIT + 1)) - 1][1])
