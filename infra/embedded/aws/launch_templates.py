"""Launch templates: tags that stay their own, user data that launches, lists that are whole, safe retries."""

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
    replace(LaunchTemplates, "create_launch_template", _once_a_token)
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


def _once_a_token(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Moto ignores ClientToken: a request that an SDK sends again fails, because the name is taken."""

    def create_launch_template(self: Any) -> Any:
        answers = self.ec2_backend.__dict__.setdefault("_answers_by_client_token", {})
        token = self._get_param("ClientToken")
        if token is None:
            return original(self)
        if token not in answers:
            answers[token] = original(self)
        return answers[token]

    return create_launch_template


def _whole(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Moto cuts a list after 15, and gives no token for the rest."""

    def describe(self: Any) -> Any:
        self.params.setdefault("MaxResults", _NO_LIMIT)
        return original(self)

    return describe
