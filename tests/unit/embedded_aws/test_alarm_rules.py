"""Rules of composite alarms."""

import pytest

from infra.embedded.aws.cloudwatch import rules
from infra.embedded.aws.cloudwatch.actions import State

_STATES = {"a": State.ALARM, "b": State.OK, "c d": State.UNKNOWN}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("ALARM(a)", True),
        ('ALARM("a") AND OK("b") AND INSUFFICIENT_DATA("c d")', True),
        ("ALARM(b) OR ALARM(a) AND NOT OK(b)", False),
        ("NOT ALARM(b) AND (ALARM(b) OR TRUE)", True),
        ("FALSE", False),
        ("ALARM(arn:aws:cloudwatch:us-east-1:123456789012:alarm:a)", True),
        ("ALARM(gone)", False),
        ("INSUFFICIENT_DATA(gone)", True),
    ],
)
def test_rule(text: str, holds: bool) -> None:
    """The forms of "Create a composite alarm": states by name or ARN, operators, parentheses."""
    assert rules.parse(text).holds(_STATES) is holds


@pytest.mark.parametrize("text", ["", "ALARM()", "ALARM(a", "ALARM(a) ALARM(b)", "AND", "(ALARM(a)", "a"])
def test_unreadable_rule_is_refused(text: str) -> None:
    """A rule is never read as something else than it says."""
    with pytest.raises(rules.BadRuleError):
        rules.parse(text)
