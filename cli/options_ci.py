"""Options of the commands of `llmctl ci`."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class EnvironmentName(click.ParamType[str]):
    """The bare name of an environment. Jobs get it from a matrix, and it goes into marks and file names."""

    name = "name"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name; a usage error for what can't be one."""
        if not re.fullmatch(r"[a-z](-?[a-z0-9])*", str(value)):
            self.fail(f"{value!r} is not the name of an environment", param, ctx)
        return str(value)


def name_option(function: F) -> F:
    """`--env NAME`: no path here."""
    return click.option(
        "--env",
        "-e",
        "env",
        required=True,
        envvar="LLMCTL_ENV",
        type=EnvironmentName(),
        help="Name of the environment. Also: LLMCTL_ENV.",
    )(function)


def body_option(*, required: bool) -> Callable[[F], F]:
    """`--body FILE`: Markdown."""
    kind = click.Path(exists=True, dir_okay=False, path_type=Path)
    return click.option("--body", type=kind, required=required, help="A file with the text, in Markdown.")


def pull_option(function: F) -> F:
    """`--pull N`: which pull request."""
    return click.option(
        "--pull", type=click.IntRange(1), metavar="NUMBER", help="Pull or merge request; default: the job's."
    )(function)


def author_option(function: F) -> F:
    """`--author LOGIN`: who we are, where the host doesn't say."""
    return click.option(
        "--author",
        metavar="LOGIN",
        help="Whose texts are ours; needed for tokens of apps other than GitHub Actions.",
    )(function)


def role_option(function: F) -> F:
    """`--role ARN`."""
    return click.option("--role", metavar="ARN", required=True, help="ARN of the role.")(function)
