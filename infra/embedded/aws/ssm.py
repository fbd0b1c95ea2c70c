"""SSM: the public parameter of AWS's Deep Learning AMI, and the image it names.

moto carries the public parameters of Amazon Linux and ECS only, and its API rightly refuses to write below
/aws/service.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from moto.core.utils import utcnow
from moto.ec2.models.amis import Ami, AmiBackend
from moto.ssm.models import Parameter, ParameterDict

from infra.embedded.aws.patching import replace

DEEP_LEARNING_AMI = (
    "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"
)
_IMAGE_NAME = "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) 20261101"
_PUBLISHER = "898082745236"


def install() -> None:
    """Put the additions into moto."""
    replace(AmiBackend, "_load_amis", _with_image)
    replace(ParameterDict, "_check_loading_status", _with_parameter)


def image_id(region: str) -> str:
    """Id of the image in a region: stable, and different in each, as on AWS."""
    return "ami-" + hashlib.sha256(f"{region}{DEEP_LEARNING_AMI}".encode()).hexdigest()[:17]


def _with_image(original: Callable[..., None]) -> Callable[..., None]:
    def _load_amis(self: Any) -> None:
        original(self)
        image = Ami(
            self,
            ami_id=image_id(self.region_name),
            name=_IMAGE_NAME,
            description="Stand-in of the emulated cloud",
            owner_id=_PUBLISHER,
            owner_alias="amazon",
            public=True,
            architecture="x86_64",
            virtualization_type="hvm",
            hypervisor="xen",
            root_device_type="ebs",
            root_device_name="/dev/sda1",
        )
        self.amis[image.id] = image

    return _load_amis


def _with_parameter(original: Callable[..., None]) -> Callable[..., None]:
    def _check_loading_status(self: Any, key: str) -> None:
        original(self, key)
        if str(key or "").startswith("/aws/service/deeplearning/") and not dict.__contains__(
            self, DEEP_LEARNING_AMI
        ):
            dict.__setitem__(self, DEEP_LEARNING_AMI, [_parameter(self.account_id, self.region_name)])

    return _check_loading_status


def _parameter(account: str, region: str) -> Parameter:
    return Parameter(
        account_id=account,
        name=DEEP_LEARNING_AMI,
        value=image_id(region),
        parameter_type="String",
        description=None,
        allowed_pattern=None,
        keyid=None,
        last_modified_date=utcnow(),
        version=1,
        data_type="aws:ec2:image",
    )
