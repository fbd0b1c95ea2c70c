"""Whose lock it is, and whether anyone still holds it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from infra.errors import ExitCode
from infra.terraform.events import Diagnostic
from infra.terraform.lock import Lock, Operation, conflict, find_lock, is_abandoned, lost_race
from tests.unit.terraform.streams import events

_LOCK = Lock(
    id="ab55607b-a1ed-9922-10b8-c3cd8cad0893",
    path="llmctl-state/staging/terraform.tfstate",
    operation="OperationTypeApply",
    who="ada@workstation",
    created=datetime(2026, 11, 22, 16, 31, 37, tzinfo=UTC),
)
_DEAD = Operation(
    pid=4711,
    ticks=99,
    who=_LOCK.who,
    state=_LOCK.path,
    since=_LOCK.created - timedelta(seconds=3),
    command="llmctl deploy",
)


def _diagnostics(name: str) -> list[Diagnostic]:
    return [event for event in events(name) if isinstance(event, Diagnostic)]


def test_the_lock_is_read_from_the_error() -> None:
    """Terraform tells the holder only in prose: all of it is understood."""
    assert find_lock(_diagnostics("locked")) == _LOCK


def test_other_errors_are_no_lock() -> None:
    """A failed apply is not mistaken for a conflict."""
    assert find_lock(_diagnostics("apply")) is None


def test_a_vanished_lock_is_a_race() -> None:
    """A lock that was there and then wasn't means: try again."""
    gone = Diagnostic(
        "error", "Error acquiring the state lock", "StatusCode: 412 ... StatusCode: 404 NoSuchKey"
    )
    assert lost_race([gone])
    assert not lost_race(_diagnostics("apply"))


def test_our_dead_operations_lock_is_abandoned() -> None:
    """Same user and host, same state, taken while it ran: nobody holds it any more."""
    assert is_abandoned(_LOCK, [_DEAD])


@pytest.mark.parametrize(
    "other",
    [
        replace(_DEAD, who="ada@laptop"),
        replace(_DEAD, who="grace@workstation"),
        replace(_DEAD, state="llmctl-state/production/terraform.tfstate"),
        replace(_DEAD, since=_LOCK.created + timedelta(minutes=1)),
        replace(_DEAD, since=_LOCK.created - timedelta(hours=1)),
    ],
)
def test_anyone_elses_lock_is_not(other: Operation) -> None:
    """Another host, user, state or time: that lock is never released by itself."""
    assert not is_abandoned(_LOCK, [other])


def test_a_conflict_tells_who_when_and_what_to_do() -> None:
    """One line says who holds the lock and since when; the hint is the option that releases it."""
    error = conflict("staging", _LOCK)
    assert error.code is ExitCode.CONFLICT
    assert error.message == (
        "staging is locked by ada@workstation since 2026-11-22 16:31:37 UTC "
        "(terraform apply, lock ab55607b-a1ed-9922-10b8-c3cd8cad0893)"
    )
    assert f"--force-unlock {_LOCK.id}" in error.hint
