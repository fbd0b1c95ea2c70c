"""The shipped policy on the simulated market: `infra.spot.policy.decide`, and a group that obeys."""

from infra.simulate.policies.base import Orders, View, surplus
from infra.spot.policy import decide
from infra.spot.types import Event, Observation, PoolState, Settings


class Ours:
    """Keeps the events, as the runtime's table does, and asks the policy."""

    def __init__(self, settings: Settings | None = None, name: str = "llmctl") -> None:
        self._settings = settings or Settings()
        self._name = name
        self._interruptions: tuple[Event, ...] = ()
        self._failures: tuple[Event, ...] = ()

    @property
    def name(self) -> str:
        """As given."""
        return self._name

    def step(self, view: View) -> Orders:
        """Observe, decide, and place what is missing in the open pools, the emptiest first."""
        self._remember(view)
        targets = decide(self._settings, self._observe(view), view.now)
        staying = view.staying()
        index = {name: at for at, name in enumerate(view.zones)}
        missing = targets.spot.size - sum(staying)
        return Orders(
            on_demand=targets.on_demand.size,
            launch=_spread([index[pool] for pool in targets.pools], staying, missing),
            stop=surplus(staying, targets.spot.size),
            again_at=targets.again_at,
        )

    def _remember(self, view: View) -> None:
        since = view.now - self._settings.remember_seconds
        if view.lost or self._interruptions:
            self._interruptions = _recent(self._interruptions, view, view.lost, since)
        if view.failed or self._failures:
            self._failures = _recent(self._failures, view, view.failed, since)

    def _observe(self, view: View) -> Observation:
        second, tick = view.tick_seconds, view.tick
        pools = []
        for name, zone in zip(view.zones, view.spot, strict=True):
            staying = [instance for instance in zone if not instance.leaving]
            pools.append(
                PoolState(
                    name,
                    tuple(one.ready * second for one in staying if one.ready <= tick),
                    tuple(one.launched * second for one in staying if one.ready > tick),
                )
            )
        ready = sum(1 for instance in view.on_demand if instance.ready <= tick)
        return Observation(
            wanted=view.wanted,
            spot=tuple(pools),
            on_demand_ready=ready,
            on_demand_pending=len(view.on_demand) - ready,
            interruptions=self._interruptions,
            failures=self._failures,
        )


def _recent(kept: tuple[Event, ...], view: View, zones: list[int], since: float) -> tuple[Event, ...]:
    fresh = [Event(view.zones[zone], view.now) for zone in zones]
    return (*(event for event in kept if event.at > since), *fresh)


def _spread(pools: list[int], staying: list[int], missing: int) -> list[int]:
    """Zones for the missing replicas: each time the emptiest open one, among equals the better."""
    planned = list(staying)
    launches: list[int] = []
    for _ in range(missing if pools else 0):
        zone = min(pools, key=lambda index: planned[index])
        planned[zone] += 1
        launches.append(zone)
    return launches
