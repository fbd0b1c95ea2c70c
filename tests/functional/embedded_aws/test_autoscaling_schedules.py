"""Scheduled actions, put and run."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.embedded.aws import autoscaling_schedules


def put(cloud: Any, name: str = "nightly", group: str = "group", **parameters: Any) -> None:
    """Put a scheduled action."""
    cloud.client("autoscaling").put_scheduled_update_group_action(
        AutoScalingGroupName=group, ScheduledActionName=name, **parameters
    )


def listed(cloud: Any) -> list[dict[str, Any]]:
    """All scheduled actions."""
    found: list[dict[str, Any]] = cloud.client("autoscaling").describe_scheduled_actions()[
        "ScheduledUpdateGroupActions"
    ]
    return found


def sizes(cloud: Any) -> tuple[int, int, int]:
    """Minimum, desired and maximum of `group`."""
    group = cloud.describe()
    return group["MinSize"], group["DesiredCapacity"], group["MaxSize"]


def in_seconds(seconds: float) -> datetime:
    """A time from now."""
    return datetime.fromtimestamp(int(time.time() + seconds), UTC)


def test_one_time_action_runs_and_is_gone(cloud: Any) -> None:
    """At its time the group gets its sizes; then the action is no longer listed."""
    cloud.group(cloud.network()[1])
    put(cloud, StartTime=in_seconds(100), MinSize=3, MaxSize=6)
    autoscaling_schedules.run(time.time() + 50)
    assert sizes(cloud) == (0, 2, 4)
    autoscaling_schedules.run(time.time() + 101)
    assert sizes(cloud) == (3, 3, 6)
    assert listed(cloud) == []
    cloud.reconcile()
    cause = cloud.activities()[0]["Cause"]
    assert "the scheduled action nightly executed" in cause
    assert "constraints to min: 3, max: 6, desired: 3 changing the desired capacity from 2 to 3" in cause


def test_recurring_action_runs_each_time(cloud: Any) -> None:
    """It stays, shows its next run as its start, and changes the group again after somebody else did."""
    cloud.group(cloud.network()[1])
    put(cloud, Recurrence="0 9 * * *", TimeZone="Europe/Paris", DesiredCapacity=4)
    (before,) = listed(cloud)
    assert (before["Recurrence"], before["TimeZone"], before["DesiredCapacity"]) == (
        "0 9 * * *",
        "Europe/Paris",
        4,
    )
    due = before["StartTime"].timestamp()
    autoscaling_schedules.run(due)
    assert sizes(cloud) == (0, 4, 4)
    cloud.client("autoscaling").set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=1)
    autoscaling_schedules.run(due + 60)
    assert sizes(cloud) == (0, 1, 4)
    autoscaling_schedules.run(due + 26 * 3600)
    assert sizes(cloud) == (0, 4, 4)


def test_sizes_that_do_not_fit_are_a_failed_activity(cloud: Any) -> None:
    """The group stays as it is, and its activities say why."""
    cloud.group(cloud.network()[1])
    put(cloud, StartTime=in_seconds(10), DesiredCapacity=9)
    autoscaling_schedules.run(time.time() + 11)
    assert sizes(cloud) == (0, 2, 4)
    (activity,) = cloud.activities()
    assert activity["StatusCode"] == "Failed"
    assert "Desired capacity:9 must be between" in activity["StatusMessage"]


def test_suspended_schedule_does_nothing(cloud: Any) -> None:
    """ScheduledActions is one of a group's processes."""
    cloud.group(cloud.network()[1])
    cloud.client("autoscaling").suspend_processes(
        AutoScalingGroupName="group", ScalingProcesses=["ScheduledActions"]
    )
    put(cloud, StartTime=in_seconds(10), DesiredCapacity=4)
    autoscaling_schedules.run(time.time() + 11)
    assert sizes(cloud) == (0, 2, 4)


def test_groups_may_share_names_of_actions(cloud: Any) -> None:
    """Each group has its own; deleting one, or a whole group, leaves the other's."""
    subnets = cloud.network()[1]
    template = {"LaunchTemplateId": cloud.template(), "Version": "1"}
    for name in ("one", "two"):
        cloud.group(subnets, AutoScalingGroupName=name, DesiredCapacity=0, LaunchTemplate=template)
        put(cloud, group=name, Recurrence="0 9 * * *", MinSize=0)
    assert len(listed(cloud)) == 2
    client = cloud.client("autoscaling")
    client.delete_scheduled_action(AutoScalingGroupName="one", ScheduledActionName="nightly")
    assert [action["AutoScalingGroupName"] for action in listed(cloud)] == ["two"]
    client.delete_auto_scaling_group(AutoScalingGroupName="two")
    assert listed(cloud) == []


def test_batches_report_what_failed(cloud: Any) -> None:
    """Good actions of a batch are put, bad ones are named."""
    cloud.group(cloud.network()[1])
    client = cloud.client("autoscaling")
    failed = client.batch_put_scheduled_update_group_action(
        AutoScalingGroupName="group",
        ScheduledUpdateGroupActions=[
            {"ScheduledActionName": "good", "Recurrence": "0 9 * * *", "DesiredCapacity": 1},
            {"ScheduledActionName": "bad", "Recurrence": "whenever", "DesiredCapacity": 1},
        ],
    )["FailedScheduledUpdateGroupActions"]
    assert [one["ScheduledActionName"] for one in failed] == ["bad"]
    failed = client.batch_delete_scheduled_action(
        AutoScalingGroupName="group", ScheduledActionNames=["good", "bad"]
    )["FailedScheduledActions"]
    assert [one["ScheduledActionName"] for one in failed] == ["bad"]
    assert listed(cloud) == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"DesiredCapacity": 1},
        {"Recurrence": "0 9 * * *"},
        {"Recurrence": "0 9 * * *", "TimeZone": "Mars/Phobos", "DesiredCapacity": 1},
        {"StartTime": datetime(2020, 1, 1, tzinfo=UTC), "DesiredCapacity": 1},
    ],
)
def test_actions_that_could_not_run_are_refused(cloud: Any, parameters: dict[str, Any]) -> None:
    """Without a time, without sizes, in an unknown zone or in the past."""
    cloud.group(cloud.network()[1])
    with pytest.raises(ClientError, match="ValidationError"):
        put(cloud, **parameters)
