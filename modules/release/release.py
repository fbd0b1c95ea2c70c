"""The launch template of a model. Its versions are the releases: whatever changes in here is a new one.

Both slots launch from it; which version a slot launches is the runtime's to say. Instances answer no metadata
request of version 1, keep everything on an encrypted volume, and are reached by the balancer only.
"""

from collections.abc import Mapping

from constructs import Construct

from infra.agent.config import AgentConfig
from infra.environment import names
from modules.bindings.aws.data_ami import DataAmi
from modules.bindings.aws.data_ssm_parameter import DataSsmParameter
from modules.bindings.aws.iam_instance_profile import IamInstanceProfile
from modules.bindings.aws.launch_template import BlockDeviceMappings, LaunchTemplate, MetadataOptions
from modules.bindings.aws.security_group import SecurityGroup
from modules.bindings.base import literal, local
from modules.release.user_data import AgentSource, user_data

_SSM = "ssm:"
_METADATA: MetadataOptions = {
    "http_endpoint": "enabled",
    "http_tokens": "required",
    "http_put_response_hop_limit": 1,  # engines run in the host's network: nothing is further away
    "instance_metadata_tags": "enabled",
}


class Release(Construct):
    """The launch template."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: AgentConfig,
        agent: AgentSource,
        ami: str,
        disk_gib: int,
        profile: IamInstanceProfile,
        security_group: SecurityGroup,
        tags: Mapping[str, str],
    ) -> None:
        """`tags` are for the volumes: those of instances come from their groups."""
        super().__init__(scope, id_)
        image = self._image(ami)
        name = names.launch_template(config.environment, config.model)
        samples = [config.capture.bucket] if config.capture else []
        text = literal(user_data(config, agent), keep=[agent.bucket, agent.version, *samples])
        self.template = LaunchTemplate(
            self,
            "template",
            name=name,
            image_id=image.id,
            user_data=f"${{base64encode({_bare(local(self, 'user_data', text))})}}",
            vpc_security_group_ids=[security_group.id],
            iam_instance_profile={"arn": profile.arn},
            metadata_options=_METADATA,
            monitoring={"enabled": True},
            block_device_mappings=[_root_volume(image, disk_gib)],
            tag_specifications=[
                {"resource_type": kind, "tags": {**tags, "Name": name}}
                for kind in ("volume", "network-interface")
            ],
            tags={names.TAG_MODEL: config.model, "Name": name},
        )

    def _image(self, ami: str) -> DataAmi:
        """The image; the name of its root device decides what gets encrypted, and isn't the same in all."""
        identity = ami
        if ami.startswith(_SSM):
            parameter = DataSsmParameter(self, "ami", name=ami.removeprefix(_SSM))
            identity = parameter.insecure_value  # no secret: `value` would hide it in plans
        return DataAmi(
            self, "image", include_deprecated=True, filter=[{"name": "image-id", "values": [identity]}]
        )


def _root_volume(image: DataAmi, disk_gib: int) -> BlockDeviceMappings:
    return {
        "device_name": image.root_device_name,
        "ebs": {
            "volume_type": "gp3",
            "volume_size": disk_gib,
            "encrypted": "true",
            "delete_on_termination": "true",
        },
    }


def _bare(reference: str) -> str:
    return reference.removeprefix("${").removesuffix("}")
