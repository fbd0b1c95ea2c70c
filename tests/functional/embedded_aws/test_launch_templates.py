"""Launch templates as AWS keeps them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

DATA = {"InstanceType": "g5.xlarge"}


def test_repeated_request_with_a_client_token_creates_once(cloud: Any) -> None:
    """An SDK that sends a request again, because the answer got lost, gets the same answer."""
    client = cloud.client("ec2")
    arguments = {"LaunchTemplateName": "once", "LaunchTemplateData": DATA, "ClientToken": "token"}
    first, second = (client.create_launch_template(**arguments)["LaunchTemplate"] for _ in range(2))
    assert first["LaunchTemplateId"] == second["LaunchTemplateId"]
    with pytest.raises(ClientError, match="AlreadyExists"):
        client.create_launch_template(**{**arguments, "ClientToken": "another"})


def test_lists_are_whole(cloud: Any) -> None:
    """Neither templates nor versions are cut off: the newest release must be found."""
    client = cloud.client("ec2")
    for number in range(20):
        client.create_launch_template(LaunchTemplateName=f"many-{number}", LaunchTemplateData=DATA)
        client.create_launch_template_version(LaunchTemplateName="many-0", LaunchTemplateData=DATA)
    names = [f"many-{number}" for number in range(20)]
    templates = client.describe_launch_templates(LaunchTemplateNames=names)["LaunchTemplates"]
    versions = client.describe_launch_template_versions(LaunchTemplateName="many-0")["LaunchTemplateVersions"]
    assert (len(templates), len(versions)) == (20, 21)
