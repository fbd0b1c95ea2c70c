"""Launch templates as AWS keeps them."""

from typing import Any

DATA = {"InstanceType": "g5.xlarge"}


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
