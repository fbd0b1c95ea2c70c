"""When a rule of EventBridge is due: its forms, and its own way to count weekdays."""

import re
from datetime import UTC, datetime

import pytest

from infra.embedded.aws.events import following

SUNDAY = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("rate(1 minute)", datetime(2026, 11, 22, 9, 31, tzinfo=UTC)),
        ("rate(2 days)", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("cron(15 10 * * ? *)", datetime(2026, 11, 22, 10, 15, tzinfo=UTC)),
        ("cron(0 8 ? * 2-6 *)", datetime(2026, 11, 23, 8, 0, tzinfo=UTC)),
        ("cron(0 8 ? * MON *)", datetime(2026, 11, 23, 8, 0, tzinfo=UTC)),
        ("cron(0 8 ? * 2#1 *)", datetime(2026, 12, 7, 8, 0, tzinfo=UTC)),
        ("cron(0 8 ? * 6L *)", datetime(2026, 11, 27, 8, 0, tzinfo=UTC)),
    ],
)
def test_a_schedule_is_due(expression: str, due: datetime) -> None:
    """AWS's weekdays begin with 1 on Sunday; the number of the week in the month stays as it is."""
    assert following(expression, SUNDAY) == due


@pytest.mark.parametrize("expression", ["cron(0 25 * * ? *)", "cron(0 8 *)", "cron(0 0 31 2 ? *)"])
def test_a_schedule_that_never_comes_is_refused(expression: str) -> None:
    """What no calendar has is an error when it is put, and not a loop in the daemon."""
    with pytest.raises(ValueError, match=re.escape(expression)):
        following(expression, SUNDAY)


def test_a_year_is_not_emulated() -> None:
    """A form that is not known is said to be that."""
    with pytest.raises(NotImplementedError, match="2027"):
        following("cron(0 8 * * ? 2027)", SUNDAY)
