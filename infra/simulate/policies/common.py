"""What people do without a policy of their own: on-demand, autoscaling groups, fixed or rotating spread."""

import math
import re

from infra.simulate.policies.base import Orders, View, surplus


class OnDemand:
    """Everything on demand: what costs are measured against."""

    name = "on-demand"

    def step(self, view: View) -> Orders:
        """As many as are wanted."""
        return Orders(on_demand=view.wanted)


class EvenSpread:
    """A fixed share of the spot replicas for each zone, come what may. No on-demand."""

    def __init__(self, extra: int = 0) -> None:
        self._extra = extra
        self.name = f"even spread+{extra}" if extra else "even spread"

    def step(self, view: View) -> Orders:
        """Ask in each zone for what is missing of its share."""
        shares = split(view.wanted + self._extra, len(view.zones))
        return fill(view.staying(), shares)


class RoundRobin:
    """One zone after the other; on to the next whenever one has nothing, or takes back. No on-demand."""

    def __init__(self, extra: int = 0) -> None:
        self._extra = extra
        self._zone = 0
        self.name = f"round robin+{extra}" if extra else "round robin"

    def step(self, view: View) -> Orders:
        """Each missing replica in the next zone."""
        staying = view.staying()
        target = view.wanted + self._extra
        launches = []
        for _ in range(target - sum(staying)):
            launches.append(self._zone)
            self._zone = (self._zone + 1) % len(view.zones)
        return Orders(launch=launches, stop=surplus(staying, target))


class AutoscalingGroups:
    """A mixed-instances group in each region, as AWS does it: k % on demand, the rest spot, never exchanged.

    The wanted replicas are shared out over the regions. A group balances over its zones, and tries the next
    one when a zone has no capacity. It doesn't replace missing spot with on-demand.
    """

    def __init__(self, percent: int = 0) -> None:
        self._percent = percent
        self._failed: dict[int, int] = {}
        self.name = f"ASG, {percent} % on-demand"

    def step(self, view: View) -> Orders:
        """Fill each region's group."""
        on_demand = math.ceil(view.wanted * self._percent / 100 - 1e-9)
        groups = regions(view.zones)
        staying = view.staying()
        for zone in view.failed:
            self._failed[zone] = view.tick
        launches: list[int] = []
        stops: list[int] = []
        for zones, share in zip(groups, split(view.wanted - on_demand, len(groups)), strict=True):
            now = sum(staying[zone] for zone in zones)
            launches += self._place(zones, list(staying), share - now)
            stops += [zones[at] for at in surplus([staying[zone] for zone in zones], share)]
        return Orders(on_demand=on_demand, launch=launches, stop=stops)

    def _place(self, zones: list[int], planned: list[int], missing: int) -> list[int]:
        """Each in the emptiest zone, but not in the one that failed last if there is another."""
        latest = max((self._failed.get(zone, -1) for zone in zones), default=-1)
        others = [zone for zone in zones if self._failed.get(zone, -1) < latest] or zones
        found = []
        for _ in range(missing):
            zone = min(others, key=lambda index: (planned[index], self._failed.get(index, -1)))
            planned[zone] += 1
            found.append(zone)
        return found


def split(total: int, parts: int) -> list[int]:
    """As evenly as it goes, the first ones more: `split(4, 3)` is [2, 1, 1]."""
    return [total // parts + (1 if index < total % parts else 0) for index in range(parts)]


def fill(staying: list[int], shares: list[int]) -> Orders:
    """Orders that bring each zone to its share."""
    launches = [zone for zone, share in enumerate(shares) for _ in range(share - staying[zone])]
    stops = [zone for zone, share in enumerate(shares) for _ in range(staying[zone] - share)]
    return Orders(launch=launches, stop=stops)


def regions(zones: tuple[str, ...]) -> list[list[int]]:
    """Zones by region: `us-east-1a` is in `us-east-1`; a name without that form is a region of its own."""
    found: dict[str, list[int]] = {}
    for index, zone in enumerate(zones):
        told = re.match(r"[a-z]+(?:-[a-z]+)+-\d+", zone)
        found.setdefault(told[0] if told else zone, []).append(index)
    return list(found.values())
