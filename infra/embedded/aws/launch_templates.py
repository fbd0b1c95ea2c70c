"""Launch templates: tags that stay their own, user data that launches, lists that are whole."""

from collections.abc import Callable
from typing import Any

from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion
from moto.ec2.responses.launch_templates import LaunchTemplates
from moto.ec2.utils import parse_user_data

from infra.embedded.aws.patching import add, replace

_NO_LIMIT = 1_000_000


def install() -> None:
    """Put the fixes into moto."""
    replace(LaunchTemplate, "create_version", _clean_data)
    replace(LaunchTemplates, "describe_launch_templates", _whole)
    replace(LaunchTemplates, "describe_launch_template_versions", _whole)
    # moto shows the tags that the template was created with for ever.
    add(LaunchTemplate, "tags", property(lambda self: self.get_tags(), lambda self, value: None))


def _clean_data(original: Callable[..., LaunchTemplateVersion]) -> Callable[..., LaunchTemplateVersion]:
    """Moto writes the template's own tags into its first version, and keeps later user data unparsed.

    The first shows up as a change in every plan; the second fails every launch from a later version.
    """

    def create_version(self: Any, data: dict[str, Any], description: str) -> LaunchTemplateVersion:
        data = dict(data)
        specifications = data.pop("TagSpecifications", [])
        kept = [spec for spec in specifications if spec["ResourceType"] != "launch-template"]
        if kept:
            data["TagSpecifications"] = kept
        if isinstance(data.get("UserData"), str):
            data["UserData"] = parse_user_data(data["UserData"])
        return original(self, data, description)

    return create_version


def _whole(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Moto cuts a list after 15, and gives no token for the rest."""

    def describe(self: Any) -> Any:
        self.params.setdefault("MaxResults", _NO_LIMIT)
        return original(self)

    return describe
