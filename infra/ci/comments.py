"""One comment for each environment: found again by a hidden mark, updated in place. Pure but for the port."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

_LONG = 20
"""Lines; more are folded."""
_FENCE = re.compile(r"^```", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Comment:
    """A comment on a pull request or an issue's text."""

    id: int
    author: str
    body: str

    def says(self, text: str) -> bool:
        """Whether it says that already; hosts change line ends."""
        return self.body.replace("\r\n", "\n").rstrip() == text.rstrip()


class Thread(Protocol):
    """Where a pull request is talked about."""

    limit: int
    """The most characters that a comment may have."""

    def author(self) -> str:
        """Who we are there: other people's comments are never touched."""

    def comments(self) -> Iterable[Comment]:
        """All of them, oldest first."""

    def create(self, body: str) -> None:
        """Say something new."""

    def update(self, comment: int, body: str) -> None:
        """Replace what a comment says."""

    def delete(self, comment: int) -> None:
        """Take a comment away."""


@dataclass(frozen=True, kw_only=True)
class Upsert:
    """What makes it exactly one comment that says the text."""

    create: bool = False
    update: int | None = None
    delete: tuple[int, ...] = ()


def marker(topic: str, environment: str) -> str:
    """The first line of what we write; Markdown doesn't show it."""
    return f"<!-- llmctl:{topic}:{environment} -->"


def decide(comments: Iterable[Comment], *, author: str, mark: str, body: str) -> Upsert:
    """The first of our comments with the mark stays; any others (of jobs that raced) go."""
    found = ours(comments, author=author, mark=mark)
    if not found:
        return Upsert(create=True)
    extra = tuple(each.id for each in found[1:])
    return Upsert(update=None if found[0].says(body) else found[0].id, delete=extra)


def ours(comments: Iterable[Comment], *, author: str, mark: str) -> list[Comment]:
    """Those that we wrote under this mark; somebody who quotes one has not written it."""
    return [each for each in comments if each.author == author and each.body.startswith(mark)]


def keep_one(thread: Thread, *, mark: str, body: str) -> Upsert:
    """Bring the thread to exactly one comment of ours with the mark; returns what was done."""
    todo = decide(thread.comments(), author=thread.author(), mark=mark, body=body)
    if todo.create:
        thread.create(body)
    if todo.update is not None:
        thread.update(todo.update, body)
    for extra in todo.delete:
        thread.delete(extra)
    return todo


def compose(text: str, *, mark: str, footer: str, limit: int) -> str:
    """The comment: mark, text with its details folded, footer; at most `limit` characters.

    The first paragraph stays in sight. A text that folds itself is left as it is.
    """
    folded = _fold(text.strip())
    whole = f"{mark}\n{folded}\n\n{footer}\n"
    if len(whole) <= limit:
        return whole
    note = (
        f"**Cut off here**: a comment holds {limit:,} characters. The rest is in the run's summary and log."
    )
    frame = f"{mark}\n\n\n{note}\n\n{footer}\n"
    return f"{mark}\n{_cut(folded, limit - len(frame))}\n\n{note}\n\n{footer}\n"


def _fold(text: str) -> str:
    head, _, rest = text.partition("\n\n")
    if "<details>" in text or rest.count("\n") < _LONG:
        return text
    return f"{head}\n\n<details><summary>Details</summary>\n\n{rest}\n\n</details>"


def _cut(text: str, most: int) -> str:
    """The first whole lines, with what they left open closed again."""
    opened = text.count("<details>")
    kept = text[: most - len("\n```") - opened * len("\n\n</details>")]
    kept = kept[: kept.rfind("\n")] if "\n" in kept else kept
    if len(_FENCE.findall(kept)) % 2:
        kept += "\n```"
    return kept + "\n\n</details>" * (kept.count("<details>") - kept.count("</details>"))
