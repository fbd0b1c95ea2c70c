"""How fast a simulation is: 70 days, 9 zones, each policy; and against a loop over all ticks."""

import random
import time

from infra.simulate.comparison import POLICIES
from infra.simulate.engine import Simulation
from infra.simulate.policies.base import Orders
from infra.simulate.traces import resample
from infra.simulate.types import Demand, Rules, Trace
from infra.spot.types import Settings

_DAYS, _ZONES, _GAP = 70, 9, 300
_CHANGE = 0.015
"""Of a zone's capacity, every 300 s: about what has been measured."""


class _EachTick(Simulation):
    """The same market without the leap: the plain loop."""

    def _next(self, tick: int, orders: Orders) -> int:
        return tick + 1


def _trace() -> Trace:
    draw = random.Random(1)
    zones = []
    for zone in range(_ZONES):
        values = [draw.randint(0, 4)]
        while len(values) < _DAYS * 86_400 // _GAP:
            values.append(draw.randint(0, 4) if draw.random() < _CHANGE else values[-1])
        zones.append((f"us-east-1{'abcdefghi'[zone]}", float(_GAP), values))
    return resample("drawn", zones)


def _seconds(kind: type[Simulation], trace: Trace, name: str) -> float:
    began = time.perf_counter()
    kind(trace, Demand.constant(4), Rules(), POLICIES[name](Settings())).run()
    return time.perf_counter() - began


def main() -> None:
    """Print a line for each policy."""
    trace = _trace()
    for name in POLICIES:
        fast, plain = _seconds(Simulation, trace, name), _seconds(_EachTick, trace, name)
        print(f"{name:12} {fast:6.2f} s, plain loop {plain:6.2f} s: {plain / fast:5.1f} times as fast")


if __name__ == "__main__":
    main()
