"""What `destroy` would do, in its order: pure, from Terraform's own plan and the inventory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from infra.teardown.removing import in_order
from infra.teardown.types import Resource

_WITH_THEIR_GROUP = frozenset({"ec2 instance", "ec2 volume"})
"""What autoscaling groups make; it is in no state, and goes with its group."""
_IDENTIFIERS = ("id", "arn", "name")
_ASTERISK = "\\052"
"""How Route 53 lists a wildcard's asterisk."""


@dataclass(frozen=True)
class Rehearsal:
    """The steps of a destroy; also the document of `llmctl destroy --dry-run --json`."""

    environment: str
    protected: bool
    """Whether `destroy` refuses, because the file says so."""
    drain: tuple[str, ...]
    """Autoscaling groups that would be drained and taken to zero first."""
    strangers: tuple[Resource, ...]
    """What is in no state, in the order of its removal, which comes next."""
    waves: tuple[tuple[str, ...], ...]
    """Terraform's addresses: a wave goes when all that needs it, in the waves before, has gone."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.drain or self.strangers or self.waves)


def waves(plan: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """A destroy plan's addresses in the order of their deletion, newest dependents first.

    `plan`: the document of `terraform show -json`; Terraform deletes a resource when everything that depends
    on it, by the state, is deleted (https://developer.hashicorp.com/terraform/internals/graph).
    """
    doomed = {
        change["address"]
        for change in plan.get("resource_changes", ())
        if "delete" in change["change"]["actions"]
    }
    order: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(doomed, ()))
    for resource in _known(plan):
        if resource["address"] in doomed:
            for needed in doomed.intersection(resource.get("depends_on", ())):
                order.add(needed, resource["address"])
    order.prepare()
    found = []
    while order.is_active():
        ready = order.get_ready()
        found.append(tuple(sorted(ready)))
        order.done(*ready)
    return tuple(found)


def strangers(found: Sequence[Resource], plan: Mapping[str, Any]) -> tuple[Resource, ...]:
    """What the state doesn't know of and no autoscaling group makes, in the order of removal."""
    known = {each["values"].get(key) for each in _known(plan) for key in _IDENTIFIERS if each.get("values")}
    return in_order(
        tuple(
            each
            for each in found
            if each.kind not in _WITH_THEIR_GROUP and known.isdisjoint(_identifiers(each))
        )
    )


def _identifiers(resource: Resource) -> frozenset[str]:
    """As Terraform may have it: of a DNS record ZONE_NAME_TYPE, with the final dot where it was given one."""
    if resource.kind != "dns record":
        return frozenset({resource.id})
    zone, name, kind = resource.id.replace(_ASTERISK, "*").split(" ")
    return frozenset({f"{zone}_{name}_{kind}", f"{zone}_{name.rstrip('.')}_{kind}"})


def _known(plan: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    state = plan.get("prior_state", {}).get("values", {}).get("root_module", {})
    return [each for each in state.get("resources", ()) if each.get("mode") == "managed"]
