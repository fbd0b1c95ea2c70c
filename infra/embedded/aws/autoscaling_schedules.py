"""Scheduled actions of autoscaling groups: recorded by the API, run when their time has come.

moto keys them by name alone, so that two groups can't have one of the same name, and never runs them. When
they are due is `scaling_schedules`' to say, in real time.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import (
    AutoScalingBackend,
    FailedScheduledUpdateGroupActionRequest,
    autoscaling_backends,
)
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult

from infra.embedded import aws
from infra.embedded.aws.autoscaling_group import Group, at, group_of, moment
from infra.embedded.aws.patching import override
from infra.embedded.aws.scaling_schedules import BadScheduleError, Schedule, Sizes, applied


class ScheduledAction:
    """A scheduled action. The attribute names are those that moto's serialiser looks for."""

    def __init__(self, group: Group, spec: dict[str, Any], now: float) -> None:
        self.auto_scaling_group_name = group.name
        self.scheduled_action_name = str(spec["ScheduledActionName"])
        self.schedule = Schedule(
            start=_epoch(spec.get("StartTime")),
            end=_epoch(spec.get("EndTime")),
            recurrence=spec.get("Recurrence"),
            time_zone=spec.get("TimeZone"),
        )
        self.sizes = Sizes(
            minimum=_whole(spec.get("MinSize")),
            maximum=_whole(spec.get("MaxSize")),
            desired=_whole(spec.get("DesiredCapacity")),
        )
        if self.sizes == Sizes():
            raise BadScheduleError("At least one of MinSize, MaxSize and DesiredCapacity must be given")
        self.schedule.check(now)
        account, region = group.account_id, group.region
        self.scheduled_action_arn = (
            f"arn:aws:autoscaling:{region}:{account}:scheduledUpdateGroupAction:0:autoScalingGroupName/"
            f"{group.name}:scheduledActionName/{self.scheduled_action_name}"
        )
        self.recurrence, self.time_zone = self.schedule.recurrence, self.schedule.time_zone
        self.end_time = moment(self.schedule.end) if self.schedule.end is not None else None
        self.min_size, self.max_size = self.sizes.minimum, self.sizes.maximum
        self.desired_capacity = self.sizes.desired
        self.due = self.schedule.next(now)
        """Epoch seconds of the next run; None: there is none left."""

    @property
    def start_time(self) -> datetime | None:
        """What was asked for, else the next run, as AWS shows it."""
        start = self.due if self.schedule.start is None else self.schedule.start
        return None if start is None else moment(start)


def install() -> None:
    """Put the fixes into moto."""
    override(AutoScalingResponse, "put_scheduled_update_group_action", _put)
    override(AutoScalingResponse, "batch_put_scheduled_update_group_action", _batch_put)
    override(AutoScalingResponse, "describe_scheduled_actions", _describe)
    override(AutoScalingResponse, "delete_scheduled_action", _delete)
    override(AutoScalingResponse, "batch_delete_scheduled_action", _batch_delete)


def remove_of(backend: AutoScalingBackend, group: str) -> None:
    """Remove a group's scheduled actions."""
    actions = backend.scheduled_actions
    for key in [key for key, one in actions.items() if one.auto_scaling_group_name == group]:
        del actions[key]


def run(now: float) -> None:
    """Run all that is due at `now` (epoch seconds), in the order of their times."""
    with aws.lock:
        for regions in autoscaling_backends.values():
            for backend in regions.values():
                due = [
                    (action.due, key, action)
                    for key, action in backend.scheduled_actions.items()
                    if action.due is not None and action.due <= now
                ]
                for _, key, action in sorted(due, key=lambda one: one[:2]):
                    _run(backend, key, action, now)


def _run(backend: AutoScalingBackend, key: str, action: ScheduledAction, now: float) -> None:
    """Run an action once, however many of its times have passed; the last run ends it."""
    group = backend.autoscaling_groups.get(action.auto_scaling_group_name)
    action.due = action.schedule.next(now)
    if action.due is None or group is None:
        del backend.scheduled_actions[key]
    if group is None or group.deleting or group.is_suspended("ScheduledActions"):
        return
    before = Sizes(
        minimum=int(group.min_size or 0),
        maximum=int(group.max_size or 0),
        desired=int(group.desired_capacity or 0),
    )
    executed = f"the scheduled action {action.scheduled_action_name} executed"
    try:
        after = applied(before, action.sizes)
    except BadScheduleError as error:
        activity = group.begin("Executing scheduled action", executed, now)
        activity.end(now, "Failed", str(error))
        return
    group.min_size, group.max_size = after.minimum, after.maximum
    if after.desired is not None and after.desired != before.desired:
        cause = (
            f"{executed}.  {at(now)} a scheduled action update of AutoScalingGroup constraints to "
            f"min: {after.minimum}, max: {after.maximum}, desired: {after.desired}"
        )
        group.wish(after.desired, cause, now)


def _put(self: Any) -> ActionResult:
    _put_one(self, self._get_params())
    return EmptyResult()


def _put_one(response: Any, spec: dict[str, Any]) -> None:
    """Create or replace an action. Raises moto's ValidationError."""
    group = group_of(response)
    try:
        action = ScheduledAction(group, spec, time.time())
    except BadScheduleError as error:
        raise ValidationError(str(error)) from error
    response.autoscaling_backend.scheduled_actions[_key(group.name, action.scheduled_action_name)] = action


def _batch_put(self: Any) -> ActionResult:
    group_of(self)
    specs = self._get_param("ScheduledUpdateGroupActions", [])
    failed = _failures({spec["ScheduledActionName"]: partial(_put_one, self, spec) for spec in specs})
    return ActionResult({"FailedScheduledUpdateGroupActions": failed})


def _describe(self: Any) -> ActionResult:
    group, names = self._get_param("AutoScalingGroupName"), self._get_param("ScheduledActionNames", [])
    found = [
        action
        for action in self.autoscaling_backend.scheduled_actions.values()
        if group in (None, action.auto_scaling_group_name)
        and (not names or action.scheduled_action_name in names)
    ]
    return ActionResult({"ScheduledUpdateGroupActions": found})


def _delete(self: Any) -> ActionResult:
    _delete_one(self, self._get_param("ScheduledActionName"))
    return EmptyResult()


def _delete_one(response: Any, name: str) -> None:
    key = _key(response._get_param("AutoScalingGroupName"), name)
    if response.autoscaling_backend.scheduled_actions.pop(key, None) is None:
        raise ValidationError("Scheduled action name not found")


def _batch_delete(self: Any) -> ActionResult:
    names = self._get_param("ScheduledActionNames", [])
    failed = _failures({name: partial(_delete_one, self, name) for name in names})
    return ActionResult({"FailedScheduledActions": failed})


def _failures(
    attempts: dict[str, Callable[[], None]],
) -> list[FailedScheduledUpdateGroupActionRequest]:
    failed = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except AutoscalingClientError as error:
            failed.append(
                FailedScheduledUpdateGroupActionRequest(
                    scheduled_action_name=name, error_code=error.code, error_message=error.message
                )
            )
    return failed


def _key(group: str, name: str) -> str:
    return f"{group}/{name}"


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _epoch(value: Any) -> float | None:
    """Epoch seconds of what moto parsed from a request: a time without a zone is UTC."""
    if value is None:
        return None
    parsed = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
