"""Shows Terraform at work on stderr: a progress bar on a terminal, a line a finished resource elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from infra.terraform.events import (
    ApplyComplete,
    ApplyErrored,
    ApplyProgress,
    ApplyStarted,
    Diagnostic,
    Event,
    LockWaiting,
    Notice,
    Observer,
    Summary,
)

_DONE = {"create": "created", "update": "updated", "delete": "deleted", "replace": "replaced", "read": "read"}


@contextmanager
def showing() -> Iterator[Observer]:
    """Yield an observer that shows Terraform's events, from the plan to the end of the apply."""
    if not sys.stderr.isatty():
        yield _plain
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[doing]}"),
        console=Console(stderr=True),
        transient=True,
    )
    try:
        yield _Live(bar)
    finally:
        bar.stop()


class _Live:
    """A bar that appears when the apply begins, with the resources in work beside it."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task: TaskID | None = None
        self._total = 0
        self._working: dict[str, None] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case Summary("plan", add, change, remove):
                self._total = add + change + remove
            case ApplyStarted(address):
                self._working[address] = None
                self._show(0)
            case ApplyComplete(address) | ApplyErrored(address):
                self._working.pop(address, None)
                self._show(1)
            case Summary(operation="apply" | "destroy"):
                self._bar.stop()
            case LockWaiting():
                self._bar.console.print("waiting for the state's lock")
            case Notice(text):
                self._bar.console.print(text, style="dim")

    def _show(self, advance: int) -> None:
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task("applying", total=self._total, doing="")
        self._bar.update(self._task, advance=advance, doing=_in_work(list(self._working)))


def _in_work(addresses: list[str]) -> str:
    shown = ", ".join(addresses[-2:])
    return shown if len(addresses) <= 2 else f"{shown} and {len(addresses) - 2} more"


def _plain(event: Event) -> None:
    match event:
        case ApplyComplete(address, action, elapsed):
            _say(f"{_DONE.get(action, action)} {address} ({elapsed} s)")
        case ApplyErrored(address, action, elapsed):
            _say(f"failed to {action} {address} ({elapsed} s)")
        case ApplyProgress(address, action, elapsed):
            _say(f"still working: {action} {address} ({elapsed} s)")
        case Diagnostic("warning", summary, _, address):
            _say(f"warning: {summary} {address}".rstrip())
        case Summary(operation, add, change, remove):
            _say(f"{operation}: {add} to add, {change} to change, {remove} to destroy")
        case LockWaiting():
            _say("waiting for the state's lock")
        case Notice(text):
            _say(text)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
