"""When a slot is idle: it has had replicas in service, and no request, for the whole time.

While it is empty, or starts, it isn't idle: a model that was just woken isn't put to sleep again before its
first replica has been there for as long.
"""

from infra.environment.model import Market, Slot
from infra.observability.terms import at_balancer, of_group
from infra.observability.types import Alarm, Line, Missing, Sources

_MINUTE = 60


def idle(model: str, after: int, slot: Slot, sources: Sources) -> Alarm:
    """The alarm that puts a slot to sleep; `after` in seconds."""
    requests = at_balancer("RequestCount", "Sum", sources, id_="requests", slot=slot)
    there = of_group("GroupInServiceInstances", sources, slot, Market.SPOT, id_="there")
    periods = after // _MINUTE
    return Alarm(
        kind="idle",
        model=model,
        part=slot.value,
        line=Line(
            label="requests, while replicas are in service",
            terms=(requests, there),
            expression=f"IF({there.id} > 0, FILL({requests.id}, 0), 1)",
        ),
        comparison="LessThanThreshold",
        threshold=1,
        period_seconds=_MINUTE,
        periods=periods,
        datapoints=periods,
        missing=Missing.NOT_BREACHING,
        meaning=f"{model} has had no request for {periods} minutes and goes to sleep: nothing is wrong.",
        why_missing="no request is counted as zero; a group that says nothing is no reason to stop it",
        notifies=False,
    )
