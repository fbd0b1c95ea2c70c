"""Autoscaling groups, launch templates and instances of one environment, as domain types."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from infra.aws import scaling_group
from infra.aws.session import Session, translated
from infra.deploy.types import Group, Instance, Schedule
from infra.environment import names
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot

if TYPE_CHECKING:
    from mypy_boto3_autoscaling.type_defs import (
        AutoScalingGroupTypeDef,
        PutScheduledUpdateGroupActionTypeTypeDef,
        ScheduledUpdateGroupActionTypeDef,
    )

_ALIVE = ["pending", "running", "shutting-down", "stopping"]


class AwsFleet:
    """Implements `infra.deploy.ports.Fleet` with EC2 Auto Scaling."""

    def __init__(self, session: Session, environment: Environment) -> None:
        # Clients are made here, in one thread: boto3 sessions may not be shared while they make clients.
        self._autoscaling = session.autoscaling
        self._ec2 = session.ec2
        self._environment = environment

    def groups(self) -> tuple[Group, ...]:
        """All groups that carry the environment's tag, with their instances."""
        schedules = self._schedules()
        return tuple(
            _group(
                raw,
                scaling_group.problem(self._autoscaling, raw),
                schedules.get(raw["AutoScalingGroupName"], ()),
            )
            for raw in self._describe()
        )

    def resize(self, group: str, *, minimum: int, desired: int) -> None:
        """Set minimum and desired size in one call, so that they never contradict each other."""
        scaling_group.resize(self._autoscaling, group, minimum=minimum, desired=desired)

    def pin(self, group: str, release: int) -> None:
        """Change the template version in the group's policy, and leave the rest of it as it is."""
        scaling_group.pin(self._autoscaling, group, release)

    @translated("scheduling a minimum")
    def put_schedule(self, group: str, schedule: Schedule) -> None:
        """Create or update a scheduled action; it recurs for ever."""
        request: PutScheduledUpdateGroupActionTypeTypeDef = {
            "AutoScalingGroupName": group,
            "ScheduledActionName": schedule.name,
            "Recurrence": schedule.cron,
            "TimeZone": schedule.timezone,
            "MinSize": schedule.minimum,
        }
        if schedule.desired is not None:
            request["DesiredCapacity"] = schedule.desired
        self._autoscaling.put_scheduled_update_group_action(**request)

    @translated("dropping a scheduled minimum")
    def drop_schedule(self, group: str, name: str) -> None:
        """Delete a scheduled action."""
        self._autoscaling.delete_scheduled_action(AutoScalingGroupName=group, ScheduledActionName=name)

    @translated("reading the scheduled minimums")
    def _schedules(self) -> Mapping[str, tuple[Schedule, ...]]:
        """By group; those of other environments are in the answer too, and of no consequence."""
        pages = self._autoscaling.get_paginator("describe_scheduled_actions").paginate()
        found: dict[str, tuple[Schedule, ...]] = {}
        for page in pages:
            for raw in page["ScheduledUpdateGroupActions"]:
                group = raw["AutoScalingGroupName"]
                found[group] = (*found.get(group, ()), _schedule(raw))
        return found

    @translated("reading the launch templates")
    def latest_releases(self) -> Mapping[str, int]:
        """Newest version of each model's launch template; models without one are left out."""
        models = {
            names.launch_template(self._environment.environment, model): model
            for model in self._environment.models
        }
        pages = self._ec2.get_paginator("describe_launch_templates").paginate(
            Filters=[{"Name": "launch-template-name", "Values": list(models)}]
        )
        return {
            models[template["LaunchTemplateName"]]: template["LatestVersionNumber"]
            for page in pages
            for template in page["LaunchTemplates"]
        }

    @translated("reading the releases")
    def releases(self, model: str) -> tuple[int, ...]:
        """All releases of a model that still exist, oldest first."""
        template = names.launch_template(self._environment.environment, model)
        pages = self._ec2.get_paginator("describe_launch_template_versions").paginate(
            LaunchTemplateName=template
        )
        found = [item["VersionNumber"] for page in pages for item in page["LaunchTemplateVersions"]]
        return tuple(sorted(found))

    @translated("reading the instances")
    def launched(self) -> Mapping[str, datetime]:
        """Launch time of each instance that isn't gone."""
        pages = self._ec2.get_paginator("describe_instances").paginate(
            Filters=[
                {"Name": f"tag:{names.TAG_ENVIRONMENT}", "Values": [self._environment.environment]},
                {"Name": "instance-state-name", "Values": _ALIVE},
            ]
        )
        return {
            instance["InstanceId"]: instance["LaunchTime"]
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        }

    def _describe(self) -> Iterator["AutoScalingGroupTypeDef"]:
        with translated("reading the autoscaling groups"):
            pages = self._autoscaling.get_paginator("describe_auto_scaling_groups").paginate(
                Filters=[{"Name": f"tag:{names.TAG_ENVIRONMENT}", "Values": [self._environment.environment]}]
            )
            for page in pages:
                yield from page["AutoScalingGroups"]


def _schedule(raw: "ScheduledUpdateGroupActionTypeDef") -> Schedule:
    return Schedule(
        name=raw["ScheduledActionName"],
        cron=raw.get("Recurrence", ""),
        timezone=raw.get("TimeZone", "UTC"),
        minimum=raw.get("MinSize", 0),
        desired=raw.get("DesiredCapacity"),
    )


def _group(raw: "AutoScalingGroupTypeDef", problem: str, schedules: tuple[Schedule, ...] = ()) -> Group:
    tags = {tag["Key"]: tag.get("Value", "") for tag in raw["Tags"]}
    return Group(
        name=raw["AutoScalingGroupName"],
        model=tags[names.TAG_MODEL],
        slot=Slot(tags[names.TAG_SLOT]),
        market=Market(tags[names.TAG_MARKET]),
        release=scaling_group.release(raw),
        min=raw["MinSize"],
        desired=raw["DesiredCapacity"],
        max=raw["MaxSize"],
        problem=problem,
        schedules=schedules,
        instances=tuple(
            Instance(
                id=instance["InstanceId"],
                lifecycle=instance["LifecycleState"],
                release=scaling_group.booted(instance),
                type=instance.get("InstanceType", ""),
                zone=instance["AvailabilityZone"],
            )
            for instance in raw.get("Instances", [])
        ),
    )
