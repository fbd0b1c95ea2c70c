"""Terraform's stream becomes typed events, and nothing of it is lost."""

import pytest

from infra.terraform.events import (
    ApplyComplete,
    ApplyErrored,
    ApplyProgress,
    ApplyStarted,
    Diagnostic,
    Drift,
    LockWaiting,
    Message,
    PlannedChange,
    Refreshed,
    Summary,
    Version,
    parse,
)
from tests.unit.terraform.streams import events

_CHAT = "aws_ssm_parameter.chat"
_BLUE = "aws_cloudwatch_log_group.chat-blue"


def test_a_plan() -> None:
    """Refreshes, drift, changes with their reasons and the closing count arrive in order."""
    assert events("plan") == [
        Version("1.11.4"),
        Refreshed(_CHAT),
        Drift(_CHAT, "update"),
        PlannedChange(_BLUE, "aws_cloudwatch_log_group", "create"),
        PlannedChange(_CHAT, "aws_ssm_parameter", "replace", "cannot_update"),
        Summary("plan", 2, 0, 1),
    ]


def test_an_apply_that_fails() -> None:
    """Start, progress with elapsed seconds, completion, failure and its reason are told apart."""
    assert events("apply") == [
        Version("1.11.4"),
        ApplyStarted(_BLUE, "create"),
        ApplyProgress(_BLUE, "create", 10),
        ApplyComplete(_BLUE, "create", 12),
        ApplyStarted(_CHAT, "delete"),
        ApplyErrored(_CHAT, "delete", 3),
        Diagnostic("error", "deleting SSM Parameter", "AccessDenied", _CHAT),
        Summary("apply", 1, 0, 0),
    ]


def test_waiting_for_a_lock() -> None:
    """Waiting is an event of its own, so that people learn why nothing happens."""
    assert LockWaiting() in events("locked")


@pytest.mark.parametrize("line", ["panic: runtime error", "[1, 2]", "3"])
def test_what_is_no_event_is_still_said(line: str) -> None:
    """A crash report between the JSON lines reaches the user."""
    assert parse(line) == Message(line)


def test_an_unknown_type_is_its_message() -> None:
    """A newer Terraform may say new things: their text is shown, and nothing breaks."""
    assert parse('{"type":"action_invocation","@message":"calling"}') == Message("calling")


def test_reading_a_data_source_is_no_change() -> None:
    """Progress counts what Terraform changes; a plan that reads data changes nothing."""
    hook = '{"resource":{"addr":"data.aws_ami.x"},"action":"read","elapsed_seconds":1}'
    assert parse(f'{{"type":"apply_complete","@message":"Read complete","hook":{hook}}}') is None


def test_an_empty_line_is_nothing() -> None:
    """Blank lines don't reach observers."""
    assert parse("  \n") is None
