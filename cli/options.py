"""Options that several commands share, so that they are spelled and explained once."""

import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

_LONGEST_HOURS = 87_600
"""No option means more, and dates can't be computed with just any number."""


class DurationType(click.ParamType[float]):
    """A duration such as 30s, 5m or 1h, as in environment files, or 0.2s; converted to seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds; a usage error for anything else."""
        from infra.environment.base import seconds

        if isinstance(value, float):
            return value
        told = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", str(value))
        if not told:
            self.fail(f"{value!r} is not a duration such as 30s, 5m or 1h", param, ctx)
        length = float(told[1]) * seconds(f"1{told[2]}")
        if length > _LONGEST_HOURS * 3600:
            self.fail(f"{value} is longer than ten years ({_LONGEST_HOURS}h)", param, ctx)
        return length


class LengthType(DurationType):
    """A duration that is longer than nothing."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds; a usage error for none."""
        length = super().convert(value, param, ctx)
        return length or self.fail(f"{value} is no time at all", param, ctx)


class NumberType(click.FloatRange):
    """A number within bounds. `nan` compares with none, and would pass them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; a usage error for anything else."""
        number = float(super().convert(value, param, ctx))
        return self.fail(f"{value} is not a number", param, ctx) if math.isnan(number) else number


class PercentagesType(click.ParamType[tuple[int, ...]]):
    """Percentages such as 5,25,50,100."""

    name = "percentages"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Whole numbers from 1 to 100; a usage error for anything else."""
        if isinstance(value, tuple):
            return value
        parts = [part.strip().removesuffix("%").strip() for part in str(value).split(",")]
        if not all(re.fullmatch(r"[1-9]\d?|100", part) for part in parts):
            self.fail(f"{value!r} is not a list of percentages such as 5,25,50,100", param, ctx)
        return tuple(map(int, parts))


DURATION = DurationType()
PERCENTAGES = PercentagesType()
LENGTH = LengthType()

F = TypeVar("F", bound=Callable[..., Any])


def environment_option(function: F) -> F:
    """`--env NAME`: a name under environments/, or a path to a file."""
    return click.option(
        "--env",
        "-e",
        "env",
        required=True,
        envvar="LLMCTL_ENV",
        metavar="NAME",
        help="Environment: a name under environments/, or a path. Also: LLMCTL_ENV.",
    )(function)


def cloud_options(function: F) -> F:
    """`--env NAME` or `--region R`: a cloud to look into, of an environment or of the credentials at hand."""
    of_environment = click.option(
        "--env", "-e", "env", envvar="LLMCTL_ENV", metavar="NAME", help="An environment: look into its cloud."
    )
    return of_environment(
        click.option("--region", metavar="R", help="AWS region, without --env. Default: AWS_REGION.")(
            function
        )
    )


def json_option(function: F) -> F:
    """`--json`: one JSON document on stdout."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")(function)


def yes_option(function: F) -> F:
    """`--yes`: don't ask."""
    return click.option("--yes", "-y", is_flag=True, help="Don't ask: do it.")(function)


def force_unlock_option(function: F) -> F:
    """`--force-unlock ID`: release a state lock whose holder is dead."""
    return click.option(
        "--force-unlock",
        metavar="ID",
        help="First release this lock of the Terraform state, whose holder must be dead.",
    )(function)


def detach_option(function: F) -> F:
    """`--detach`: don't stay."""
    return click.option("--detach", is_flag=True, help="Don't stay: leave it to whoever drives the rollout.")(
        function
    )
