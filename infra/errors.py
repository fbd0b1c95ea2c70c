"""One error base and one table of exit codes.

Every failure a user can meet is an `LlmctlError`: what went wrong, what to do about it, and how the process
ends. `cli/app.py` is the only place that turns one into text; nothing else prints errors or calls `sys.exit`.
A vendor's exception never leaves its adapter: it is translated to this type (or to a typed outcome) there.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended. The one table: documentation is generated from it."""

    OK = 0
    FAILED = 1
    PLAN_HAS_CHANGES = 2
    CONFLICT = 3
    ROLLED_BACK = 4
    INCONCLUSIVE = 5
    REFUSED = 6
    OUTCOME_UNKNOWN = 7
    RESOURCES_LEFT = 8
    USAGE = 64

    @property
    def meaning(self) -> str:
        """One line for the documentation."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.OK: "done, or nothing to change",
    ExitCode.FAILED: "failed",
    ExitCode.PLAN_HAS_CHANGES: "the plan has changes (plan, --dry-run), or something needs a person (drift)",
    ExitCode.CONFLICT: "someone else holds the lock, or the state changed",
    ExitCode.ROLLED_BACK: "rolled back: by a gate, for want of capacity, by somebody else",
    ExitCode.INCONCLUSIVE: "inconclusive, or timed out",
    ExitCode.REFUSED: "refused before anything changed (validation, credentials, quota, protection)",
    ExitCode.OUTCOME_UNKNOWN: "outcome unknown: run `llmctl status`",
    ExitCode.RESOURCES_LEFT: "resources left behind",
    ExitCode.USAGE: "wrong usage of the command line",
}


class LlmctlError(Exception):
    """What went wrong, in one or more lines, with the remedy and the exit code."""

    def __init__(self, message: str, *, hint: str = "", code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


class Refused(LlmctlError):  # noqa: N818 - it reads as what happened
    """Nothing was changed, because the request can't be right (exit code 6)."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint, code=ExitCode.REFUSED)
