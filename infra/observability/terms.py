"""The metrics that alarms and scaling policies watch: who publishes each, and under which dimensions.

Nothing here combines metrics or knows a threshold; `alarms` and `tracking` do.
"""

from infra.agent.catalogue import NAMESPACE, Level, Metric
from infra.environment.slots import Market, Slot
from infra.observability.lines import ELB, GROUPS
from infra.observability.types import Sources, Term

GROUP_METRICS = (
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupPendingInstances",
    "GroupTerminatingInstances",
    "GroupTotalInstances",
)
"""What an autoscaling group publishes each minute, once it is told to. They cost nothing."""


def published(
    metric: Metric,
    statistic: str,
    *,
    id_: str,
    environment: str,
    model: str,
    slot: Slot | None = None,
) -> Term:
    """A metric of the agents, over a whole model or one of its slots.

    Raises ValueError where the agents don't keep the metric on that level.
    """
    level = Level.SLOT if slot else Level.MODEL
    if level not in metric.levels:
        raise ValueError(f"{metric.name} is not published for each {level.name.lower()}")
    values = {"environment": environment, "model": model} | ({"slot": slot.value} if slot else {})
    return Term(
        id=id_,
        namespace=NAMESPACE,
        name=metric.name,
        dimensions=tuple((name, values[name]) for name in level.value),
        statistic=statistic,
    )


def at_balancer(name: str, statistic: str, sources: Sources, *, id_: str, slot: Slot | None = None) -> Term:
    """A metric of the load balancer: of one slot's targets, or of the balancer as a whole."""
    targets = (("TargetGroup", sources.target_groups[slot]),) if slot else ()
    return Term(
        id=id_,
        namespace=ELB,
        name=name,
        dimensions=(*targets, ("LoadBalancer", sources.balancer)),
        statistic=statistic,
    )


def of_group(name: str, sources: Sources, slot: Slot, market: Market, *, id_: str) -> Term:
    """A metric of an autoscaling group, which has one value a minute."""
    return Term(
        id=id_,
        namespace=GROUPS,
        name=name,
        dimensions=(("AutoScalingGroupName", sources.groups[slot, market]),),
        statistic="Average",
    )
