"""Who holds the state's lock, and whether that holder can still be alive. Pure.

Terraform's lock tells a user and a host, but no process. The run directory's records
(`infra.terraform.directory`) tell which Terraform processes of ours started and never ended; a lock that
one of them took, on this host, has no holder any more once that process is gone.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from infra.errors import ExitCode, LlmctlError
from infra.terraform.events import Diagnostic

_BEFORE = timedelta(seconds=5)
_WITHIN = timedelta(seconds=150)
"""Terraform takes its lock at its start: after loading, and after waiting for `-lock-timeout` at most."""


@dataclass(frozen=True, kw_only=True)
class Lock:
    """The lock as Terraform describes it."""

    id: str
    path: str
    """Bucket and key of the state."""
    operation: str
    who: str
    """user@host."""
    created: datetime


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One Terraform process that we started, as recorded before it could take a lock."""

    pid: int
    ticks: int
    """Start time of the process, in the kernel's clock ticks: tells it from a later one with the same id."""
    who: str
    state: str
    since: datetime
    command: str


def find_lock(diagnostics: Iterable[Diagnostic]) -> Lock | None:
    """The lock that an operation ran into, if that is why it failed."""
    for diagnostic in diagnostics:
        if _about_lock(diagnostic) and "Lock Info:" in diagnostic.detail:
            return _parse(diagnostic.detail)
    return None


def lost_race(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether the lock vanished between being seen and being read: the holder released it, so try again."""
    return any(_about_lock(diagnostic) and "404" in diagnostic.detail for diagnostic in diagnostics)


def is_abandoned(lock: Lock, unfinished: Iterable[Operation]) -> bool:
    """Whether one of our dead operations took this lock."""
    return any(
        lock.who == dead.who
        and lock.path == dead.state
        and dead.since - _BEFORE <= lock.created <= dead.since + _WITHIN
        for dead in unfinished
    )


def conflict(environment: str, lock: Lock) -> LlmctlError:
    """The error for a lock that someone else holds."""
    verb = lock.operation.removeprefix("OperationType").lower() or "operation"
    return LlmctlError(
        f"{environment} is locked by {lock.who} since {lock.created:%Y-%m-%d %H:%M:%S} UTC "
        f"(terraform {verb}, lock {lock.id})",
        hint=f"wait until it is done; if that process is dead: add --force-unlock {lock.id}",
        code=ExitCode.CONFLICT,
    )


def _about_lock(diagnostic: Diagnostic) -> bool:
    return "state lock" in diagnostic.summary


def _parse(detail: str) -> Lock:
    fields = dict(re.findall(r"^\s+(ID|Path|Operation|Who|Created):\s+(.*?)\s*$", detail, re.MULTILINE))
    return Lock(
        id=fields.get("ID", ""),
        path=fields.get("Path", ""),
        operation=fields.get("Operation", ""),
        who=fields.get("Who", ""),
        created=_time(fields.get("Created", "")),
    )


def _time(text: str) -> datetime:
    """Go's format, such as 2026-11-22 16:31:37.883558568 +0000 UTC; the epoch when it is something else."""
    found = re.match(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", text)
    moment = datetime.fromisoformat(found[1]) if found else datetime.fromtimestamp(0, UTC)
    return moment.replace(tzinfo=UTC)
