"""The simulated spot market and fleet: moves from event to event, as if it went tick by tick.

In a tick: the policy sees the state after the previous tick; then capacity falls, the newest replicas go
first; then the policy's orders are carried out, against the capacity that is; then the tick is counted. When
a tick changed nothing and the policy has nothing new to see, the engine leaps to the next that may.
"""

import math
import random
from bisect import bisect_right
from dataclasses import dataclass, field

from infra.simulate.policies.base import Instance, Orders, Policy, View
from infra.simulate.types import Demand, Moment, Outcome, Rules, Trace

_HOUR = 3600.0


@dataclass
class _Bill:
    """Replica-ticks by market, and ticks by whether enough was ready."""

    spot: int = 0
    on_demand: int = 0
    wanted: int = 0
    good: int = 0
    ticks: int = 0
    interruptions: int = 0
    spot_launches: int = 0
    spot_failures: int = 0
    on_demand_launches: int = 0
    timeline: list[Moment] = field(default_factory=list)


class _Steps:
    """A step function of the tick that is asked about times that only grow; `ahead` looks further."""

    def __init__(self, steps: tuple[tuple[int, int], ...]) -> None:
        self._at = [tick for tick, _ in steps]
        self._values = [value for _, value in steps]

    def value(self, tick: int) -> int:
        return self._values[bisect_right(self._at, tick) - 1]


class Simulation:
    """One policy on one trace."""

    def __init__(self, trace: Trace, demand: Demand, rules: Rules, policy: Policy) -> None:
        self._trace, self._rules, self._policy = trace, rules, policy
        self._demand = _Steps(demand.steps)
        self._capacity = [_Steps(steps) for steps in trace.steps]
        self._cold = self._in_ticks(rules.cold_start)
        self._standby = self._cold if rules.standby_start is None else self._in_ticks(rules.standby_start)
        self._lead = self._in_ticks(rules.notice)
        self._hour = self._in_ticks(_HOUR)
        self._random = random.Random(rules.seed)  # noqa: S311 - repeatable, not secret
        self._moments = self._changes(demand)
        self._view = View(zones=trace.zones, tick_seconds=trace.tick_seconds, spot=[[] for _ in trace.zones])
        self._view.wanted = self._demand.value(0)
        self._bill = _Bill()

    def run(self) -> Outcome:
        """Replay the whole trace."""
        tick, end = 0, self._trace.ticks
        while tick < end:
            orders, changed = self._tick(tick)
            after = tick + 1 if changed else self._next(tick, orders)
            after = min(after, end)
            self._count(tick, after)
            self._view.tick = after - 1
            tick = after
        return self._outcome()

    def _in_ticks(self, seconds: float) -> int:
        return math.ceil(seconds / self._trace.tick_seconds - 1e-9)

    def _changes(self, demand: Demand) -> list[int]:
        """Ticks at which the market or the demand changes, or a change is announced."""
        found = {tick for tick, _ in demand.steps}
        for steps in self._trace.steps:
            found.update(tick for tick, _ in steps)
            if self._lead:
                found.update(max(0, tick - self._lead) for tick, _ in steps)
        return sorted(found)

    def _tick(self, tick: int) -> tuple[Orders, bool]:
        """One tick up to its count; and whether anything happened that the policy doesn't know."""
        view = self._view
        orders = self._policy.step(view)
        view.lost, view.failed, view.started = [], [], []
        wanted = self._demand.value(tick)
        changed = wanted != view.wanted
        view.wanted = wanted
        self._lose(tick)
        changed |= self._carry_out(orders, tick)
        if self._lead:
            self._announce(tick)
        return orders, bool(changed or view.lost or view.failed or view.started)

    def _lose(self, tick: int) -> None:
        for zone, running in enumerate(self._view.spot):
            if not running:
                continue
            excess = len(running) - self._capacity[zone].value(tick)
            for _ in range(excess):
                self._interrupt(zone, running.pop(), tick)

    def _interrupt(self, zone: int, lost: Instance, tick: int) -> None:
        self._bill.interruptions += 1
        if not lost.leaving:
            self._view.lost.append(zone)
        if self._rules.free_first_hour and tick - lost.launched < self._hour:
            self._bill.spot -= max(0, tick - max(lost.launched, self._cold))

    def _announce(self, tick: int) -> None:
        """Mark those that will be lost in the notice's time."""
        for zone, running in enumerate(self._view.spot):
            coming = self._capacity[zone].value(tick + self._lead)
            for instance in running[max(0, coming) :]:
                if instance.announced and not instance.leaving:
                    instance.leaving = True
                    self._view.lost.append(zone)

    def _carry_out(self, orders: Orders, tick: int) -> bool:
        changed = False
        for zone in orders.stop:
            staying = [instance for instance in self._view.spot[zone] if not instance.leaving]
            if staying:
                self._view.spot[zone].remove(staying[-1])
                changed = True
        for zone in orders.launch:
            self._launch(zone, tick)
        return self._on_demand(orders.on_demand, tick) or changed

    def _launch(self, zone: int, tick: int) -> None:
        running = self._view.spot[zone]
        if len(running) >= self._capacity[zone].value(tick):
            self._bill.spot_failures += 1
            self._view.failed.append(zone)
            return
        announced = self._random.random() < self._rules.announced
        running.append(Instance(tick, tick + self._cold, announced=announced))
        self._bill.spot_launches += 1
        self._view.started.append(zone)

    def _on_demand(self, target: int, tick: int) -> bool:
        running = self._view.on_demand
        changed = target != len(running)
        del running[target:]
        while len(running) < target:
            running.append(Instance(tick, tick + self._standby))
            self._bill.on_demand_launches += 1
        return changed

    def _next(self, tick: int, orders: Orders) -> int:
        """The next tick at which anything can happen: nothing did in this one."""
        index = bisect_right(self._moments, tick)
        found = self._moments[index] if index < len(self._moments) else self._trace.ticks
        if tick < self._cold < found:
            found = self._cold
        for instance in self._instances():
            ready = instance.ready
            if ready == tick:
                return tick + 1
            if tick < ready < found:
                found = ready
        wake = (
            math.ceil(orders.again_at / self._trace.tick_seconds - 1e-9) + 1
            if orders.again_at < math.inf
            else found
        )
        return max(tick + 1, min(found, wake))

    def _instances(self) -> list[Instance]:
        return [*self._view.on_demand, *(instance for zone in self._view.spot for instance in zone)]

    def _count(self, tick: int, after: int) -> None:
        """Book the ticks from `tick` to before `after`, all alike. Those of the first cold start are free."""
        bill, view = self._bill, self._view
        spot = sum(1 for zone in view.spot for instance in zone if instance.ready <= tick)
        on_demand = sum(1 for instance in view.on_demand if instance.ready <= tick)
        moment = Moment(tick, view.wanted, spot, on_demand)
        if not bill.timeline or (moment.wanted, spot, on_demand) != _state(bill.timeline[-1]):
            bill.timeline.append(moment)
        ticks = after - max(tick, self._cold)
        if ticks <= 0:
            return
        bill.ticks += ticks
        bill.wanted += ticks * view.wanted
        bill.good += ticks if spot + on_demand >= view.wanted else 0
        bill.spot += ticks * sum(map(len, view.spot))
        bill.on_demand += ticks * len(view.on_demand)

    def _outcome(self) -> Outcome:
        bill = self._bill
        whole = bill.wanted or 1
        spot, on_demand = bill.spot * self._rules.spot_price / whole, bill.on_demand / whole
        return Outcome(
            policy=self._policy.name,
            availability=bill.good / bill.ticks if bill.ticks else 1.0,
            cost=spot + on_demand,
            spot_cost=spot,
            on_demand_cost=on_demand,
            interruptions=bill.interruptions,
            spot_launches=bill.spot_launches,
            spot_failures=bill.spot_failures,
            on_demand_launches=bill.on_demand_launches,
            timeline=tuple(bill.timeline),
        )


def simulate(trace: Trace, demand: Demand, rules: Rules, policy: Policy) -> Outcome:
    """What becomes of a policy on a trace. The policy is used up: it may remember."""
    return Simulation(trace, demand, rules, policy).run()


def _state(moment: Moment) -> tuple[int, int, int]:
    return moment.wanted, moment.spot, moment.on_demand
