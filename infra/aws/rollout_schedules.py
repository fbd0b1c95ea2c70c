"""Scheduled actions of a model's groups, for the driver of its rollout: they belong to the live slot.

What they say is `deploy`'s business: here they are moved as they are. Actions that somebody has set up for
once stay where they are.
"""

from typing import TYPE_CHECKING

from infra.aws.session import Session, translated
from infra.environment import names
from infra.environment.slots import Market, Slot
from infra.errors import LlmctlError

if TYPE_CHECKING:
    from mypy_boto3_autoscaling.type_defs import (
        ScheduledUpdateGroupActionRequestTypeDef,
        ScheduledUpdateGroupActionTypeDef,
    )


class GroupSchedules:
    """Implements `infra.rollout.ports.Schedules` with EC2 Auto Scaling; only spot groups have schedules."""

    def __init__(self, session: Session, environment: str, model: str) -> None:
        self._autoscaling = session.bounded.autoscaling
        self._model = model
        self._groups = {slot: names.group(environment, model, slot, Market.SPOT) for slot in Slot}

    def slots(self) -> frozenset[Slot]:
        """Slots that have any; one call for each."""
        return frozenset(slot for slot in Slot if self._recurring(slot))

    def move(self, slot: Slot) -> None:
        """Give a slot the other one's, and only then take them there: none is lost on the way.

        Raises `LlmctlError` when AWS refuses one; the next call begins anew.
        """
        for other in Slot:
            if other is not slot and (found := self._recurring(other)):
                self._put(slot, found)
                self._drop(other, found)

    def _recurring(self, slot: Slot) -> list["ScheduledUpdateGroupActionTypeDef"]:
        with translated(f"reading the scheduled minimums of {self._model}"):
            pages = self._autoscaling.get_paginator("describe_scheduled_actions").paginate(
                AutoScalingGroupName=self._groups[slot]
            )
            actions = [action for page in pages for action in page["ScheduledUpdateGroupActions"]]
        return [action for action in actions if action.get("Recurrence")]

    def _put(self, slot: Slot, actions: list["ScheduledUpdateGroupActionTypeDef"]) -> None:
        with translated(f"moving the scheduled minimums of {self._model} to {slot}", changes=True):
            answer = self._autoscaling.batch_put_scheduled_update_group_action(
                AutoScalingGroupName=self._groups[slot],
                ScheduledUpdateGroupActions=[_request(action) for action in actions],
            )
        for failed in answer.get("FailedScheduledUpdateGroupActions", []):
            raise LlmctlError(
                f"{self._groups[slot]} didn't take the scheduled minimum {failed['ScheduledActionName']}: "
                f"{failed.get('ErrorMessage', '')}",
                hint="delete what stands in its way; `llmctl deploy` makes ours anew",
            )

    def _drop(self, slot: Slot, actions: list["ScheduledUpdateGroupActionTypeDef"]) -> None:
        """One that is gone already is among the failures; one that stays is seen by the next look."""
        with translated(f"taking the scheduled minimums of {self._model} from {slot}", changes=True):
            self._autoscaling.batch_delete_scheduled_action(
                AutoScalingGroupName=self._groups[slot],
                ScheduledActionNames=[action["ScheduledActionName"] for action in actions],
            )


def _request(action: "ScheduledUpdateGroupActionTypeDef") -> "ScheduledUpdateGroupActionRequestTypeDef":
    """The same again. Its start is left out: AWS tells there when it is due next."""
    found: ScheduledUpdateGroupActionRequestTypeDef = {
        "ScheduledActionName": action["ScheduledActionName"],
        "Recurrence": action["Recurrence"],
    }
    if "TimeZone" in action:
        found["TimeZone"] = action["TimeZone"]
    if "MinSize" in action:
        found["MinSize"] = action["MinSize"]
    if "DesiredCapacity" in action:
        found["DesiredCapacity"] = action["DesiredCapacity"]
    return found
