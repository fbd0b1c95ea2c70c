"""Questions. Without a terminal nothing is assumed: a question that can't be asked is refused."""

import sys

import click

from infra.errors import ExitCode, LlmctlError, Refused


def confirm(
    question: str,
    *,
    yes: bool,
    otherwise: str = "nothing was changed",
    code: ExitCode = ExitCode.FAILED,
) -> None:
    """Go on after a yes; raise `Refused` without a terminal, `LlmctlError` (`otherwise`) after a no."""
    if yes:
        return
    _need_terminal()
    if not click.confirm(question, err=True):
        raise LlmctlError(f"stopped: {otherwise}", code=code)


def confirm_by_name(question: str, name: str, *, yes: bool) -> None:
    """Like `confirm`, but the answer must be the name: for what can't be undone."""
    if yes:
        return
    _need_terminal()
    if click.prompt(question, err=True, default="", show_default=False) != name:
        raise LlmctlError(f"stopped: the answer was not {name!r}; nothing was changed")


def _need_terminal() -> None:
    if not sys.stdin.isatty():
        raise Refused("this needs a yes, and there is no terminal to ask on", hint="pass --yes")
