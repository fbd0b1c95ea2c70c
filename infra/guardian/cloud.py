"""The AWS calls of the guardian. Nothing is decided here."""

import json
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from infra.aws.rollout_items import event_item, number, text
from infra.aws.rollout_models import models_in_rollout
from infra.aws.rollout_table import RolloutTable
from infra.aws.session import Session, translated
from infra.environment import names
from infra.environment.slots import Market, Slot
from infra.guardian.config import PARTITION, GuardedModel
from infra.guardian.sight import pool
from infra.guardian.types import Activity, Group, LiveSlot, Notice, Replica

if TYPE_CHECKING:
    from mypy_boto3_autoscaling.type_defs import ActivityTypeDef, AutoScalingGroupTypeDef

_NOTICES = "notice"
_KEPT = 7 * 86_400
"""Seconds after which the table forgets a notice."""
_LAUNCHING = "Launching"
_LEAVING = ("Terminating", "Terminated", "Detaching", "Detached")


class AwsCloud:
    """Implements `infra.guardian.guardian.Cloud`; one is made for each invocation."""

    def __init__(self, session: Session, environment: str) -> None:
        self._session = session
        self._environment = environment
        self._table = RolloutTable(session, environment)
        self._rolling: tuple[str, ...] | None = None

    def models(self) -> tuple[GuardedModel, ...]:
        """The models with a fallback; raises `LlmctlError`."""
        return tuple(GuardedModel.from_json(item["config"]["S"]) for item in self._table.query(PARTITION))

    def live(self, model: str, since: float) -> LiveSlot | None:
        """The model's live slot as it is; raises `LlmctlError`."""
        item = self._table.item({"pk": text("model"), "sk": text(model)})
        if item is None:
            return None
        groups = self._groups(model, Slot(item["slot"]["S"]))
        if groups is None:
            return None
        spot, on_demand, *idle = groups
        return LiveSlot(
            spot=spot,
            on_demand=on_demand,
            activities=tuple(self._activities(spot.name, since)),
            notices=tuple(self._notices(spot.name, since)),
            rolling=model in self._in_rollout(),
            idle=tuple(idle),
        )

    def resize(self, group: str, desired: int) -> None:
        """Set a group's desired size; raises `LlmctlError`."""
        with translated(f"resizing {group}", changes=True):
            self._session.bounded.autoscaling.set_desired_capacity(
                AutoScalingGroupName=group, DesiredCapacity=desired, HonorCooldown=False
            )

    def stand_by(self, group: str, count: int) -> None:
        """Set a group's warm pool, or delete it; raises `LlmctlError`."""
        autoscaling = self._session.bounded.autoscaling
        with translated(f"changing the warm pool of {group}", changes=True):
            if count:
                # Both: so many, whatever the group's own size is.
                autoscaling.put_warm_pool(
                    AutoScalingGroupName=group,
                    MinSize=count,
                    MaxGroupPreparedCapacity=count,
                    PoolState="Stopped",
                )
            else:
                autoscaling.delete_warm_pool(AutoScalingGroupName=group, ForceDelete=True)

    def record(self, action: str, model: str, result: str) -> None:
        """Append to the audit log; raises `LlmctlError`."""
        self._put(event_item(time.time(), "guardian", action, model, result))

    def remember(self, instance: str, at: float) -> bool:
        """Note that the market takes, or took, an instance of this environment's spot groups.

        False when it is none of them, or its group takes it away by itself.
        """
        with translated(f"looking for {instance}"):
            found = self._session.bounded.autoscaling.describe_auto_scaling_instances(InstanceIds=[instance])
        for each in found["AutoScalingInstances"]:
            group = each["AutoScalingGroupName"]
            ours = group.startswith(f"{names.stack(self._environment)}-")
            if not ours or not group.endswith(Market.SPOT) or each["LifecycleState"].startswith(_LEAVING):
                return False
            self._put(
                {
                    "pk": text(_NOTICES),
                    "sk": text(f"{group}#{instance}"),
                    "pool": text(pool(each["AvailabilityZone"], each["InstanceType"])),
                    "at": number(at),
                    "expires": number(int(at) + _KEPT),
                }
            )
            return True
        return False

    def _groups(self, model: str, live: Slot) -> tuple[Group, ...] | None:
        """The live slot's on spot and on demand, then the other slots' on demand.

        None while one is missing, or on its way out: then there is nothing to look after.
        """
        places = [(live, Market.SPOT), (live, Market.ON_DEMAND)]
        places += [(slot, Market.ON_DEMAND) for slot in Slot if slot is not live]
        wanted = [names.group(self._environment, model, *place) for place in places]
        with translated(f"reading the autoscaling groups of {model}"):
            answer = self._session.bounded.autoscaling.describe_auto_scaling_groups(
                AutoScalingGroupNames=wanted
            )
        found = {raw["AutoScalingGroupName"]: raw for raw in answer["AutoScalingGroups"]}
        if len(found) < len(wanted) or any(raw.get("Status") for raw in found.values()):
            return None
        return tuple(_group(found[name]) for name in wanted)

    def _activities(self, group: str, since: float) -> Iterator[Activity]:
        """The newest first; pages are asked for until one is older."""
        autoscaling = self._session.bounded.autoscaling
        with translated(f"reading what {group} did"):
            pages = autoscaling.get_paginator("describe_scaling_activities").paginate(
                AutoScalingGroupName=group
            )
            for page in pages:
                for raw in page["Activities"]:
                    if raw["StartTime"].timestamp() < since:
                        return
                    yield _activity(raw)

    def _notices(self, group: str, since: float) -> Iterator[Notice]:
        for item in self._table.query(_NOTICES, f"{group}#"):
            at = float(item["at"]["N"])
            if at >= since:
                yield Notice(item["sk"]["S"].rpartition("#")[2], item["pool"]["S"], at)

    def _in_rollout(self) -> tuple[str, ...]:
        if self._rolling is None:
            self._rolling = models_in_rollout(self._session, self._environment)
        return self._rolling

    def _put(self, item: Mapping[str, Any]) -> None:
        with translated(f"writing to the table {self._table.name}", changes=True):
            self._session.bounded.dynamodb.put_item(TableName=self._table.name, Item=item)


def _group(raw: "AutoScalingGroupTypeDef") -> Group:
    pool_ = raw.get("WarmPoolConfiguration", {})
    kept = pool_ and pool_.get("Status") != "PendingDelete"
    return Group(
        name=raw["AutoScalingGroupName"],
        minimum=raw["MinSize"],
        desired=raw["DesiredCapacity"],
        maximum=raw["MaxSize"],
        replicas=tuple(
            Replica(
                id=each["InstanceId"],
                pool=pool(each["AvailabilityZone"], each.get("InstanceType", "")),
                in_service=each["LifecycleState"] == "InService" and each["HealthStatus"] == "Healthy",
            )
            for each in raw.get("Instances", [])
            if not each["LifecycleState"].startswith(_LEAVING)
        ),
        standby=pool_.get("MinSize", 0) if kept else None,
    )


def _activity(raw: "ActivityTypeDef") -> Activity:
    description = raw.get("Description", "")
    ended = raw.get("EndTime")
    return Activity(
        launch=description.startswith(_LAUNCHING),
        began=raw["StartTime"].timestamp(),
        ended=ended.timestamp() if isinstance(ended, datetime) else None,
        failed=raw["StatusCode"] == "Failed",
        instance=description.rpartition(": ")[2] if ": i-" in description else "",
        zone=json.loads(raw.get("Details") or "{}").get("Availability Zone", ""),
        message=raw.get("StatusMessage", ""),
        cause=raw.get("Cause", ""),
    )
