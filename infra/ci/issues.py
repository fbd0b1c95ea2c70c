"""One open issue for each environment that has drifted; none when nothing has. Pure but for the port."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from infra.ci.comments import Comment, ours

LABEL = "llmctl-drift"


class Tracker(Protocol):
    """Where issues are kept."""

    limit: int
    """The most characters that an issue's text may have."""

    def author(self) -> str:
        """Who we are there: other people's issues are never touched."""

    def open_issues(self, label: str) -> Iterable[Comment]:
        """The open ones with that label, with their number as id."""

    def open(self, title: str, body: str, label: str) -> None:
        """A new one."""

    def rewrite(self, issue: int, body: str) -> None:
        """Replace what an issue says."""

    def close(self, issue: int, why: str) -> None:
        """Say why in a comment, and close."""


@dataclass(frozen=True, kw_only=True)
class Todo:
    """What brings the tracker in step. Numbers are of issues."""

    open: bool = False
    rewrite: int | None = None
    close: tuple[int, ...] = ()

    @property
    def done(self) -> Literal["opened", "updated", "closed", "unchanged"]:
        """In one word."""
        if self.open:
            return "opened"
        if self.rewrite is not None:
            return "updated"
        return "closed" if self.close else "unchanged"


def decide(issues: Iterable[Comment], *, author: str, mark: str, body: str | None) -> Todo:
    """`body`: what the one issue says; None: there should be none."""
    found = ours(issues, author=author, mark=mark)
    if body is None:
        return Todo(close=tuple(each.id for each in found))
    if not found:
        return Todo(open=True)
    extra = tuple(each.id for each in found[1:])
    return Todo(rewrite=None if found[0].says(body) else found[0].id, close=extra)


def keep(tracker: Tracker, *, title: str, mark: str, body: str | None, why: str) -> Todo:
    """Bring the tracker in step with what was found; returns what was done. `why`: why an issue is closed."""
    todo = decide(tracker.open_issues(LABEL), author=tracker.author(), mark=mark, body=body)
    if todo.open:
        tracker.open(title, body or "", LABEL)
    if todo.rewrite is not None:
        tracker.rewrite(todo.rewrite, body or "")
    for issue in todo.close:
        tracker.close(issue, why)
    return todo
