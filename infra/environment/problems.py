"""What is wrong with an environment file, and where.

A problem says what, why, what is allowed and what to do, at a line and column that an editor can jump to. All
problems of a file are reported together; rendering is here so that the terminal, `--json` and tests agree.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from infra.errors import Refused


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One error, or one piece of advice, at a place in a file."""

    path: Path
    line: int
    column: int
    where: str
    """The place in words: models.chat.replicas.min."""
    what: str
    why: str = ""
    allowed: str = ""
    hint: str = ""
    rule: str = ""
    """The rule's id; "syntax" and "schema" for what isn't even the right shape."""
    severity: Literal["error", "advice"] = "error"

    def render(self) -> str:
        """`file:line:column: where: what; why; allowed: ...; hint: ...`, less what is empty."""
        parts = [self.what, self.why]
        parts += [f"allowed: {self.allowed}"] if self.allowed else []
        parts += [f"hint: {self.hint}"] if self.hint else []
        where = f"{self.where}: " if self.where else ""
        return f"{self.path}:{self.line}:{self.column}: {where}{'; '.join(filter(None, parts))}"


class InvalidEnvironment(Refused):
    """An environment file that can't be acted on, with every problem in it, in the order of the file."""

    def __init__(
        self,
        path: Path,
        problems: Iterable[Problem],
        hint: str = "the format is in docs/environment-file.md and `llmctl schema`",
    ) -> None:
        self.path = path
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(
            f"{path} has {count} error{'s' if count > 1 else ''}:\n"
            + "\n".join(problem.render() for problem in self.problems),
            hint=hint,
        )


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """The hint "did you mean ...?" when something known is close, else ""."""
    text = str(word)
    options = list(known)
    close = difflib.get_close_matches(text, options, n=1, cutoff=0.6)
    if not close:
        close = [each for each in options if each.replace("-", "_") == text.replace("-", "_").lower()][:1]
    return f"did you mean {close[0]}?" if close else ""


def listed(values: Iterable[object], limit: int = 12) -> str:
    """Values with commas, shortened when there are many."""
    texts = [str(value) for value in values]
    more = f", and {len(texts) - limit} more" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + more
