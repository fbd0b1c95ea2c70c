"""Terraform's errors, with their place in the environment file."""

from pathlib import Path

import pytest

from infra.errors import ExitCode
from infra.terraform.diagnostics import failure, model_lines, model_of
from infra.terraform.events import Diagnostic


@pytest.mark.parametrize(
    ("address", "model"),
    [
        ("aws_autoscaling_group.model_chat_blue_spot_group", "chat"),
        ("aws_lb_target_group.model_fr-legal_green_targets", "fr-legal"),
        ("aws_lb_target_group.model_fr_green_targets[0]", "fr"),
        ("module.x.aws_lb_listener_rule.model_fr_rule", "fr"),
        ("aws_lb.balancer_alb", None),
        ("aws_security_group.firewall_chat", None),
        ("", None),
    ],
)
def test_model_of(address: str, model: str | None) -> None:
    """A resource is of the model that its name says, and of no other whose name is part of that."""
    assert model_of(address) == model


def test_an_error_is_told_in_full(tmp_path: Path) -> None:
    """Summary, every line of the detail, resource, file and line of the model."""
    file = tmp_path / "staging.yaml"
    file.write_text("environment: staging\nmodels:\n  fr:\n    source: x\n  chat:\n    source: y\n")
    diagnostic = Diagnostic(
        "error", "creating group", "first\nsecond", "aws_autoscaling_group.model_chat_blue"
    )
    error = failure("apply", [diagnostic, diagnostic], file=file, lines=model_lines(file))
    assert error.message == (
        "terraform apply failed\n"
        f"aws_autoscaling_group.model_chat_blue ({file}:5, models.chat): creating group\n"
        "  first\n"
        "  second"
    )


def test_warnings_are_no_errors() -> None:
    """What failed is not hidden among warnings."""
    error = failure("plan", [Diagnostic("warning", "old"), Diagnostic("error", "bad")], file=None, lines={})
    assert error.message == "terraform plan failed\nbad"


def test_a_stale_plan_is_a_conflict() -> None:
    """Someone else applied in between: that is a conflict, not a failure."""
    error = failure("apply", [Diagnostic("error", "Saved plan is stale")], file=None, lines={})
    assert error.code is ExitCode.CONFLICT


def test_lines_of_an_unreadable_file_are_none(tmp_path: Path) -> None:
    """Telling an error must not fail because of the file it wants to point into."""
    assert model_lines(tmp_path / "missing.yaml") == {}
