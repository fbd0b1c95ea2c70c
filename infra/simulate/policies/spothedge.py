"""SpotHedge, from its description in Mao et al., "SkyServe", EuroSys 2025, Algorithm 1 and its fallback.

Zones are active or preempting. A preemption or a failed launch makes a zone preempting, a launch that
succeeds makes it active again; when fewer than two are active, all become active. Spot replicas go to active
zones without one first, then to the cheapest: here the emptiest, for all cost the same. Among equals the one
that was tried longest ago is our choice: in a fixed order the last zone of three would never be tried.
There are `extra` more spot replicas than wanted, and on-demand for all of these that isn't ready, up to what
is wanted.
"""

from infra.simulate.policies.base import Orders, View, surplus


class SpotHedge:
    """The published policy with its parameter: how many extra replicas."""

    def __init__(self, extra: int = 1) -> None:
        self._extra = extra
        self._active: set[int] | None = None
        self._tried: dict[int, int] = {}
        self._tries = 0

    @property
    def name(self) -> str:
        """With its parameter."""
        return f"SpotHedge+{self._extra}"

    def step(self, view: View) -> Orders:
        """Move zones between the lists, then fill up."""
        active = self._update(view)
        staying = view.staying()
        target = view.wanted + self._extra
        launches: list[int] = []
        planned = list(staying)
        for _ in range(target - sum(staying)):
            zone = min(active, key=lambda index: (planned[index], self._tried.get(index, 0), index))
            self._tries += 1
            self._tried[zone] = self._tries
            planned[zone] += 1
            launches.append(zone)
        on_demand = min(view.wanted, max(0, target - view.ready_spot()))
        return Orders(on_demand=on_demand, launch=launches, stop=surplus(staying, target))

    def _update(self, view: View) -> set[int]:
        everything = range(len(view.zones))
        active = set(everything) if self._active is None else self._active
        for zone in (*view.lost, *view.failed):
            active.discard(zone)
            if len(active) < 2:
                active = set(everything)
        active.update(view.started)
        self._active = active
        return active
