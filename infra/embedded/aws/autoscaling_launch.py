"""One EC2 instance for a group: from its pinned launch template version to moto's RunInstances."""

from typing import Any

from infra.embedded.aws.autoscaling_group import Group, Member
from infra.embedded.aws.ec2 import GROUP_TAG
from infra.embedded.aws.fleet import Candidate, Lifecycle


def launch(group: Group, candidate: Candidate) -> Member:
    """Start an instance of the group, pending. Raises moto's ServiceException when that can't be done."""
    member = _started(group, candidate)
    group.instance_states.append(member)
    return member


def warm(group: Group, candidate: Candidate) -> Member:
    """Start an instance of the group's warm pool. Raises as `launch` does."""
    member = _started(group, candidate)
    member.lifecycle_state = Lifecycle.WARMED_PENDING.value
    group.warm_members.append(member)
    return member


def _started(group: Group, candidate: Candidate) -> Member:
    """By the group's pinned template version.

    moto itself would take the template's default version instead of the group's, forget profile, metadata
    options and network interfaces, and add a second root volume.
    """
    version = group.pinned_version
    data = version.data
    backend = group.ec2_backend
    backend.describe_images(ami_ids=[version.image_id])  # raises on an unknown image, as AWS does
    template = {"LaunchTemplateId": version.template.id, "Version": str(version.number)}
    reservation = backend.run_instances(
        version.image_id,
        1,
        version.user_data,
        [],
        instance_type=candidate.instance_type,
        is_instance_type_default=False,
        placement=candidate.place.zone,
        region_name=group.region,
        subnet_id=candidate.place.subnet,
        security_group_ids=_security_groups(data),
        nics=[{"DeviceIndex": 0, "DeleteOnTermination": True}],
        launch_template=template,
        tags=_tags(group, data),
        metadata_options=data.get("MetadataOptions") or {},
        ebs_optimized=data.get("EbsOptimized") or False,
        **_block_devices(data),
    )
    instance = reservation.instances[0]
    if candidate.market == "spot":
        instance.lifecycle = "spot"
    _associate_profile(backend, instance.id, data.get("IamInstanceProfile") or {})
    return Member(group, instance, version)


def _security_groups(data: dict[str, Any]) -> list[str]:
    interfaces = data.get("NetworkInterfaces") or []
    groups = [group for interface in interfaces for group in interface.get("Groups") or []]
    return groups or list(data.get("SecurityGroupIds") or [])


def _tags(group: Group, data: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Tags by resource type. The template's instance tags come with it; the group's win over them."""
    volume = {
        tag["Key"]: tag["Value"]
        for spec in data.get("TagSpecifications") or []
        if spec["ResourceType"] == "volume"
        for tag in spec["Tags"]
    }
    return {"instance": group.get_propagated_tags() | {GROUP_TAG: group.name}, "volume": volume}


def _block_devices(data: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Volumes of the template, deleted with the instance unless it says otherwise."""
    mappings = [
        {**mapping, "Ebs": {"DeleteOnTermination": True, **mapping["Ebs"]}}
        for mapping in data.get("BlockDeviceMappings") or []
        if mapping.get("Ebs")
    ]
    return {"block_device_mappings": mappings} if mappings else {}


def _associate_profile(backend: Any, instance_id: str, profile: dict[str, str]) -> None:
    if profile:
        backend.associate_iam_instance_profile(
            instance_id=instance_id,
            iam_instance_profile_name=profile.get("Name"),
            iam_instance_profile_arn=profile.get("Arn"),
        )
