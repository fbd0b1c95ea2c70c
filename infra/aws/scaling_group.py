"""What deploys and rollouts both do with one autoscaling group.

Free of the environment's model, because it runs in functions too.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from infra.aws.session import translated
from infra.errors import LlmctlError

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_autoscaling.type_defs import AutoScalingGroupTypeDef, InstanceTypeDef


def release(raw: "AutoScalingGroupTypeDef") -> int:
    """Template version that the group's next instances boot."""
    template = raw["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"]
    return int(template["Version"])


def booted(instance: "InstanceTypeDef") -> int | None:
    """Template version that an instance was launched from, if AWS tells."""
    version = instance.get("LaunchTemplate", {}).get("Version")
    return int(version) if version and version.isdigit() else None


def problem(autoscaling: "AutoScalingClient", raw: "AutoScalingGroupTypeDef") -> str:
    """Why the latest launch failed, while the group has fewer instances than it wants; else empty."""
    if len(raw.get("Instances", [])) >= raw["DesiredCapacity"]:
        return ""
    with translated("reading scaling activities"):
        answer = autoscaling.describe_scaling_activities(
            AutoScalingGroupName=raw["AutoScalingGroupName"], MaxRecords=1
        )
    latest = next(iter(answer["Activities"]), None)
    return latest.get("StatusMessage", "") if latest and latest["StatusCode"] == "Failed" else ""


def resize(autoscaling: "AutoScalingClient", group: str, *, minimum: int, desired: int) -> None:
    """Set minimum and desired size in one call, so that they never contradict each other."""
    with translated(f"resizing {group}", changes=True):
        autoscaling.update_auto_scaling_group(
            AutoScalingGroupName=group, MinSize=minimum, DesiredCapacity=desired
        )


def occupied(autoscaling: "AutoScalingClient", groups: Sequence[str]) -> int:
    """How many instances the groups have, less those that wait in a warm pool: they serve nobody."""
    with translated("reading the autoscaling groups"):
        pages = autoscaling.get_paginator("describe_auto_scaling_groups").paginate(
            AutoScalingGroupNames=list(groups)
        )
        return sum(
            not instance["LifecycleState"].startswith("Warmed")
            for page in pages
            for group in page["AutoScalingGroups"]
            for instance in group.get("Instances", ())
        )


def pin(autoscaling: "AutoScalingClient", group: str, release: int) -> None:
    """Change the template version in the group's policy, and leave the rest of it as it is."""
    with translated(f"pinning release {release} of {group}", changes=True):
        found = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[group])["AutoScalingGroups"]
        if not found:
            raise missing(group)
        if found[0].get("WarmPoolConfiguration"):
            # Its instances were prepared for the release before.
            autoscaling.delete_warm_pool(AutoScalingGroupName=group, ForceDelete=True)
        policy: Any = found[0]["MixedInstancesPolicy"]
        specification = policy["LaunchTemplate"]["LaunchTemplateSpecification"]
        specification["Version"] = str(release)
        specification.pop("LaunchTemplateName", None)  # the API takes the id or the name, not both
        autoscaling.update_auto_scaling_group(AutoScalingGroupName=group, MixedInstancesPolicy=policy)


def missing(group: str) -> LlmctlError:
    """The error of a group that ought to be there."""
    return LlmctlError(f"the autoscaling group {group} is not there", hint="`llmctl deploy` puts it back")
