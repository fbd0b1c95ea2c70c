"""Terraform's machine-readable stream (`-json`), one line -> one event.

Only what someone acts on has a type of its own; anything else arrives as `Message`, less what only fills a
screen (it is in the run directory's log). Terraform versions the format, and only ever adds to it: unknown
types are not an error.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Version:
    """The first line: which Terraform is talking."""

    terraform: str


@dataclass(frozen=True)
class LockWaiting:
    """Someone else holds the state's lock; Terraform waits for it."""


@dataclass(frozen=True)
class Refreshed:
    """A resource's real attributes were read."""

    address: str


@dataclass(frozen=True)
class PlannedChange:
    """One resource that the plan would touch."""

    address: str
    type: str
    action: str
    """create, update, replace, delete, read, move, import or remove (forget)."""
    reason: str = ""


@dataclass(frozen=True)
class Drift:
    """A resource that was changed outside Terraform."""

    address: str
    action: str


@dataclass(frozen=True)
class ApplyStarted:
    """Work on a resource began."""

    address: str
    action: str


@dataclass(frozen=True)
class ApplyProgress:
    """Work on a resource goes on; Terraform says so every 10 seconds."""

    address: str
    action: str
    elapsed: int
    """Seconds."""


@dataclass(frozen=True)
class ApplyComplete:
    """Work on a resource is done."""

    address: str
    action: str
    elapsed: int
    """Seconds."""


@dataclass(frozen=True)
class ApplyErrored:
    """Work on a resource failed; a `Diagnostic` says why."""

    address: str
    action: str
    elapsed: int
    """Seconds."""


@dataclass(frozen=True)
class Diagnostic:
    """An error or a warning, in Terraform's own words."""

    severity: str
    summary: str
    detail: str = ""
    address: str = ""
    """The resource it is about, if any."""


@dataclass(frozen=True)
class Summary:
    """The closing count of a plan, an apply or a destroy."""

    operation: str
    add: int
    change: int
    remove: int


@dataclass(frozen=True)
class Message:
    """Anything else that Terraform said."""

    text: str


@dataclass(frozen=True)
class Notice:
    """Something that the runner did or found, which people should know."""

    text: str


Event = (
    Version
    | LockWaiting
    | Refreshed
    | PlannedChange
    | Drift
    | ApplyStarted
    | ApplyProgress
    | ApplyComplete
    | ApplyErrored
    | Diagnostic
    | Summary
    | Message
    | Notice
)
Observer = Callable[[Event], None]


def parse(line: str) -> Event | None:
    """The event in a line, or None if nobody needs it. A line that isn't JSON becomes a `Message`."""
    text = line.strip()
    if not text:
        return None
    try:
        raw = json.loads(text)
    except ValueError:
        return Message(text)
    if not isinstance(raw, dict):
        return Message(text)
    kind = raw.get("type", "")
    # Reading a data source is no change, though it is reported like one.
    if kind in _SILENT or raw.get("hook", {}).get("action") == "read":
        return None
    make = _MAKERS.get(kind)
    return make(raw) if make else Message(str(raw.get("@message", text)))


def _planned(raw: Mapping[str, Any]) -> Event:
    change, resource = raw["change"], raw["change"]["resource"]
    return PlannedChange(
        resource["addr"], resource.get("resource_type", ""), change["action"], change.get("reason", "")
    )


def _drift(raw: Mapping[str, Any]) -> Event:
    return Drift(raw["change"]["resource"]["addr"], raw["change"]["action"])


def _hook(raw: Mapping[str, Any]) -> tuple[str, str, int]:
    hook = raw["hook"]
    return hook["resource"]["addr"], hook.get("action", ""), int(hook.get("elapsed_seconds", 0))


def _diagnostic(raw: Mapping[str, Any]) -> Event:
    found = raw["diagnostic"]
    return Diagnostic(
        found["severity"], found["summary"], found.get("detail", ""), found.get("address") or ""
    )


def _summary(raw: Mapping[str, Any]) -> Event:
    counts = raw["changes"]
    return Summary(counts["operation"], counts["add"], counts["change"], counts["remove"])


_SILENT = frozenset({"init_output", "log", "outputs", "refresh_start"})
_MAKERS: dict[str, Callable[[Mapping[str, Any]], Event]] = {
    "version": lambda raw: Version(raw.get("terraform") or raw.get("tofu", "")),
    "state_lock_acquire": lambda raw: LockWaiting(),
    "refresh_complete": lambda raw: Refreshed(_hook(raw)[0]),
    "planned_change": _planned,
    "resource_drift": _drift,
    "apply_start": lambda raw: ApplyStarted(*_hook(raw)[:2]),
    "apply_progress": lambda raw: ApplyProgress(*_hook(raw)),
    "apply_complete": lambda raw: ApplyComplete(*_hook(raw)),
    "apply_errored": lambda raw: ApplyErrored(*_hook(raw)),
    "diagnostic": _diagnostic,
    "change_summary": _summary,
}
