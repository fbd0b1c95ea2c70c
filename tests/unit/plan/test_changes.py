"""Terraform's plan document, read."""

import pytest

from infra.plan.changes import Action, output_values, resource_changes
from tests.unit.plan.documents import change, document


@pytest.mark.parametrize(
    ("actions", "action"),
    [
        (["create"], Action.CREATE),
        (["update"], Action.UPDATE),
        (["delete"], Action.DELETE),
        (["delete", "create"], Action.REPLACE),
        (["create", "delete"], Action.REPLACE),
        (["forget"], Action.FORGET),
    ],
)
def test_actions(actions: list[str], action: Action) -> None:
    """A replacement is one thing, in whichever order Terraform does it."""
    (found,) = resource_changes(document(change("aws_lb.balancer", actions)))
    assert (found.action, found.address, found.type, found.model) == (action, "aws_lb.balancer", "aws_lb", "")


def test_reads_and_no_ops_are_no_changes() -> None:
    """What a plan only looks at changes nothing."""
    reads = change("data.aws_ami.image", ["read"], mode="data")
    assert resource_changes(document(reads, change("aws_lb.balancer", ["no-op"]))) == ()


def test_an_update_tells_what_matters() -> None:
    """Not what follows from it: an echo of the tags, a version that AWS counts."""
    before = {"tags": {"team": "a"}, "tags_all": {"team": "a"}, "latest_version": 1}
    after = {"tags": {"team": "b"}, "tags_all": {"team": "b"}}
    update = change(
        "aws_launch_template.model_chat_release_template",
        ["update"],
        before,
        after,
        after_unknown={"latest_version": True},
    )
    (found,) = resource_changes(document(update))
    assert found.model == "chat"
    assert [each.path for each in found.differences] == ["tags.team"]


def test_a_replacement_says_why() -> None:
    """By the attribute that forces it, also where that is only known after the apply."""
    replaced = change(
        "aws_subnet.a",
        ["delete", "create"],
        {"cidr_block": "10.0.0.0/24", "vpc_id": "vpc-1"},
        {"cidr_block": "10.0.0.0/24"},
        after_unknown={"vpc_id": True},
        replace_paths=[["vpc_id"]],
        action_reason="replace_because_cannot_update",
    )
    (found,) = resource_changes(document(replaced))
    assert found.reason == "replace_because_cannot_update"
    (cause,) = found.differences
    assert (cause.path, cause.unknown, cause.replaces) == ("vpc_id", True, True)


def test_secrets_leave_nothing_behind() -> None:
    """Neither before nor after nor a difference has the value, wherever Terraform marks it."""
    update = change(
        "aws_thing.a",
        ["update"],
        {"list": ["open", "hidden-1"], "whole": "hidden-2", "deep": {"key": "hidden-3"}},
        {"list": ["open", "hidden-4"], "whole": "hidden-5", "deep": {"key": "hidden-6"}},
        before_sensitive={"list": [False, True], "whole": True, "deep": {"key": True}},
        after_sensitive={"list": [False, True], "whole": True, "deep": {"key": True}},
    )
    found = resource_changes(document(update))
    assert "hidden" not in repr(found)
    assert {each.path for each in found[0].differences} == {"list", "whole", "deep.key"}


def test_outputs() -> None:
    """What an output was and will be; nothing of one that is hidden or isn't there."""
    plan = document(
        environment={"before": "old", "after": "new", "before_sensitive": False, "after_sensitive": False},
        key={"before": "old", "after": "new", "before_sensitive": True, "after_sensitive": True},
    )
    assert output_values(plan, "environment") == ("old", "new")
    assert output_values(plan, "key") == (None, None)
    assert output_values(plan, "other") == (None, None)
