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
            hint="run the same command again: it plans anew, unless it was given a plan: then make a new one",
            code=ExitCode.CONFLICT,
        )
    said = "\n".join(_text(error, file, lines) for error in errors) or "it said nothing"
    return LlmctlError(f"terraform {operation} failed\n{said}")


def model_of(address: str) -> str | None:
    """The model that a resource belongs to, by its address; None if it belongs to none.

    The stack names what belongs to a model `model_NAME_...`, and names of models have no underscore.
    """
    found = re.match(r"model_([a-z0-9-]+)", address.rpartition(".")[2])
    return found[1] if found else None


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
    model = model_of(error.address)
    where = f" ({file}:{lines[model]}, models.{model})" if file and model and model in lines else ""
    head = f"{error.address}{where}: " if error.address else ""
    body = "\n".join("  " + line if line else "" for line in error.detail.strip().splitlines())
    return f"{head}{error.summary.strip()}" + (f"\n{body}" if body else "")
