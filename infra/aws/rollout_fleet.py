"""A model's four autoscaling groups and their instances, for the driver of its rollout."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import TYPE_CHECKING

from infra.aws import scaling_group
from infra.aws.session import Session, translated
from infra.environment import names
from infra.environment.slots import Market, Slot
from infra.rollout.ports import ReplicaSeen
from infra.rollout.types import GroupSeen

if TYPE_CHECKING:
    from mypy_boto3_autoscaling.type_defs import AutoScalingGroupTypeDef

_IN_SERVICE = "InService"
_GONE = ("Terminated", "Detached")
_LEAVING = ("Terminating", "Detaching")


class GroupFleet:
    """Implements `infra.rollout.ports.Fleet` with EC2 Auto Scaling and the load balancer's health."""

    def __init__(self, session: Session, environment: str, model: str) -> None:
        # Clients are made here, in one thread: boto3 sessions may not be shared while they make clients.
        self._autoscaling = session.bounded.autoscaling
        self._elbv2 = session.bounded.elbv2
        self._model = model
        self._places = {
            names.group(environment, model, slot, market): (slot, market)
            for slot, market in product(Slot, Market)
        }

    def groups(self) -> tuple[GroupSeen, ...]:
        """All four; one call, and one more for each group that lacks instances."""
        return tuple(
            GroupSeen(
                name=name,
                slot=slot,
                market=market,
                release=scaling_group.release(raw),
                minimum=raw["MinSize"],
                desired=raw["DesiredCapacity"],
                maximum=raw["MaxSize"],
                problem=scaling_group.problem(self._autoscaling, raw),
            )
            for name, raw in self._describe().items()
            for slot, market in (self._places[name],)
        )

    def replicas(self) -> tuple[ReplicaSeen, ...]:
        """Instances of all four that aren't gone, with the balancer's word on them: three calls."""
        groups = self._describe()
        arns = sorted({arn for raw in groups.values() for arn in raw.get("TargetGroupARNs", [])})
        with ThreadPoolExecutor(max_workers=len(Slot)) as pool:
            health = {
                target: state for each in pool.map(self._health, arns) for target, state in each.items()
            }
        return tuple(
            replica
            for name, raw in groups.items()
            for replica in _replicas(raw, self._places[name][0], health)
        )

    def pin(self, group: str, release: int) -> None:
        """Make a group boot a release from now on; instances that it has stay."""
        scaling_group.pin(self._autoscaling, group, release)

    def resize(self, group: str, *, minimum: int, desired: int) -> None:
        """Set a group's minimum and desired size."""
        scaling_group.resize(self._autoscaling, group, minimum=minimum, desired=desired)

    def _describe(self) -> Mapping[str, "AutoScalingGroupTypeDef"]:
        """By name, in a fixed order; raises `LlmctlError` when one is missing: half a fleet misleads."""
        with translated(f"reading the autoscaling groups of {self._model}"):
            answer = self._autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=list(self._places))
        found = {raw["AutoScalingGroupName"]: raw for raw in answer["AutoScalingGroups"]}
        if lacking := [name for name in self._places if name not in found]:
            raise scaling_group.missing(lacking[0])
        return {name: found[name] for name in self._places}

    def _health(self, target_group: str) -> Mapping[str, str]:
        with translated(f"reading target health of {self._model}"):
            answer = self._elbv2.describe_target_health(TargetGroupArn=target_group)
        return {
            target["Target"]["Id"]: target["TargetHealth"]["State"]
            for target in answer["TargetHealthDescriptions"]
        }


def _replicas(raw: "AutoScalingGroupTypeDef", slot: Slot, health: Mapping[str, str]) -> Iterator[ReplicaSeen]:
    for instance in raw.get("Instances", []):
        lifecycle, state = instance["LifecycleState"], health.get(instance["InstanceId"], "")
        if lifecycle in _GONE:
            continue
        yield ReplicaSeen(
            id=instance["InstanceId"],
            slot=slot,
            release=scaling_group.booted(instance),
            healthy=lifecycle == _IN_SERVICE and state == "healthy",
            leaving=lifecycle.startswith(_LEAVING) or state.endswith("draining"),
        )
