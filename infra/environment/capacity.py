"""How many instances each autoscaling group of a model may and must have.

One place for both columns: Terraform sets the maximum, the runtime the minimum of the live slot.
"""

from dataclasses import dataclass

from infra.environment.model import Model
from infra.environment.slots import Market


@dataclass(frozen=True)
class Bounds:
    """Least and most instances of a group in the live slot."""

    min: int
    max: int

    def clamp(self, size: int) -> int:
        """The nearest allowed size."""
        return max(self.min, min(size, self.max))


def bounds(model: Model, market: Market, minimum: int | None = None) -> Bounds:
    """Bounds of one of the live slot's groups; `minimum` replaces replicas.min, as a schedule does.

    Spot carries the load beyond the on-demand base, plus the extra replicas against interruptions. On-demand
    holds its base, whatever the hour, and may grow to the whole model when there is no spot to be had, or to
    `spot.most_on_demand`.
    """
    base = min(model.spot.on_demand_base, model.replicas.min)
    if market is Market.ON_DEMAND:
        return Bounds(base, min(model.replicas.max, model.spot.most_on_demand or model.replicas.max))
    extra = model.spot.overprovision
    least = model.replicas.min if minimum is None else minimum
    return Bounds(max(least - base, 0) + extra, model.replicas.max - base + extra)
