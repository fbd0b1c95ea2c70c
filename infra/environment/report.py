"""What `llmctl validate` says about files: problems and advice, never an exception for a bad file."""

from dataclasses import dataclass
from pathlib import Path

from infra.environment.load import environments_directory, examine, files, find
from infra.environment.problems import InvalidEnvironment, Problem
from infra.errors import Refused


@dataclass(frozen=True, kw_only=True)
class Report:
    """One file's verdict; also the shape of `validate --json`."""

    path: Path
    valid: bool
    models: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    advice: tuple[Problem, ...] = ()


def chosen(paths: tuple[Path, ...], name: str | None) -> list[Path]:
    """The files to look at: those named, else all; raises `Refused` when there is none."""
    if paths or name:
        return [*paths, *([find(name)] if name else [])]
    found = files()
    if not found:
        raise Refused(
            f"there are no environment files in {environments_directory()}",
            hint="`llmctl init NAME` writes one to start from",
        )
    return found


def report(path: Path) -> Report:
    """Examine one file."""
    try:
        found = examine(path)
    except InvalidEnvironment as error:
        return Report(path=path, valid=False, problems=error.problems)
    models = tuple(found.environment.models) if found.environment else ()
    return Report(
        path=path, valid=not found.problems, models=models, problems=found.problems, advice=found.advice
    )
