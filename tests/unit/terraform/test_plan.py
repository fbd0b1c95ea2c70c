"""A plan, as people read it."""

from pathlib import Path

from infra.terraform.events import PlannedChange
from infra.terraform.plan import SHARED, report
from infra.terraform.runner import PlanSummary

_PLAN = PlanSummary(
    Path("plan"),
    (
        PlannedChange("aws_launch_template.model_chat_template", "aws_launch_template", "update"),
        PlannedChange("aws_autoscaling_group.model_fr_blue", "aws_autoscaling_group", "delete"),
        PlannedChange("aws_autoscaling_group.model_chat_blue", "aws_autoscaling_group", "create"),
        PlannedChange("aws_lb.balancer", "aws_lb", "replace", "cannot_update"),
    ),
    has_changes=True,
)


def test_changes_are_grouped_by_model() -> None:
    """What is shared comes first, then each model in the order of the file, creations first."""
    found = report("staging", _PLAN, ["fr", "chat", "other"])
    assert [(group.model, [change.action for change in group.changes]) for group in found.groups] == [
        (SHARED, ["replace"]),
        ("fr", ["delete"]),
        ("chat", ["create", "update"]),
    ]
    assert found.counts == {"create": 1, "update": 1, "replace": 1, "delete": 1}


def test_a_model_that_left_the_file_has_its_own_group() -> None:
    """Its resources are deleted: that must not look like a change of something shared."""
    assert [group.model for group in report("staging", _PLAN, ["chat"]).groups] == [SHARED, "chat", "fr"]


def test_a_replacement_is_two_operations() -> None:
    """Progress counts what Terraform does: a replacement deletes and creates."""
    assert _PLAN.operations == 5


def test_nothing_to_do() -> None:
    """An empty plan has no groups."""
    found = report("staging", PlanSummary(Path("plan"), (), has_changes=False), ["chat"])
    assert not found.has_changes
    assert found.groups == ()
