"""Terraform's errors as an `LlmctlError`: in full, each with its resource's place in the environment file."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from infra.errors import ExitCode, LlmctlError
from infra.terraform.events import Diagnostic

_STALE = "Saved plan is stale"


def failure(
    operation: str, diagnostics: Iterable[Diagnostic], *, file: Path | None, lines: Mapping[str, int]
) -> LlmctlError:
    """The error of a failed operation; `file` and `lines` are the environment file and its models' lines."""
    errors = [diagnostic for diagnostic in dict.fromkeys(diagnostics) if diagnostic.severity == "error"]
    if any(_STALE in error.summary for error in errors):
        return LlmctlError(
            "the state changed after the plan was made; nothing was applied",
            hint="run the same command again: it plans anew",
            code=ExitCode.CONFLICT,
        )
    said = "\n".join(_text(error, file, lines) for error in errors) or "it said nothing"
    return LlmctlError(f"terraform {operation} failed\n{said}")


def place(address: str, models: Iterable[str]) -> str | None:
    """The model that a resource belongs to, by its name in the resource's address; None if it is no model's.

    `aws_autoscaling_group.chat-blue-spot` is of `chat`. The leftmost name counts, and of two that start at
    the same place the longer: with models `fr` and `fr-legal`, `fr-legal-blue` is of `fr-legal`.
    """
    name = address.rpartition(".")[2]
    found = []
    for model in models:
        match = re.search(rf"(?<![a-z0-9]){re.escape(model)}(?![a-z0-9])", name)
        if match:
            found.append((match.start(), -len(model), model))
    return min(found)[2] if found else None


def model_lines(file: Path) -> dict[str, int]:
    """Line of each model in an environment file, counted from 1; empty when the file can't be read as one."""
    from infra.environment.document import read
    from infra.environment.problems import InvalidEnvironment

    try:
        keys = read(file).keys
    except InvalidEnvironment:
        return {}
    return {str(key[1]): at.line for key, at in keys.items() if len(key) == 2 and key[0] == "models"}


def _text(error: Diagnostic, file: Path | None, lines: Mapping[str, int]) -> str:
    model = place(error.address, lines)
    where = f" ({file}:{lines[model]}, models.{model})" if file and model else ""
    head = f"{error.address}{where}: " if error.address else ""
    body = "\n".join("  " + line if line else "" for line in error.detail.strip().splitlines())
    return f"{head}{error.summary.strip()}" + (f"\n{body}" if body else "")
