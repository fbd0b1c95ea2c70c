"""From an environment file to the typed model: find, read, check.

`examine` collects everything there is to say about a file; `load` is for those who need an environment and
nothing else. A file of the right shape never loads jsonschema: msgspec checks the same constraints from the
same classes while it converts, and only when it refuses does the slower validator look for all errors at
once.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from infra.environment import checks
from infra.environment.document import Document, Place, parse, read
from infra.environment.model import Environment
from infra.environment.problems import InvalidEnvironment, Problem, did_you_mean, listed
from infra.errors import Refused

DIRECTORY = "environments"
VARIABLE = "LLMCTL_ENVIRONMENTS"


@dataclass(frozen=True, kw_only=True)
class Examination:
    """All there is to say about a file."""

    document: Document
    environment: Environment | None
    """None when there are problems."""
    problems: tuple[Problem, ...]
    advice: tuple[Problem, ...]


def load(path: Path) -> Environment:
    """The environment of a file; raises `InvalidEnvironment` with every problem in it."""
    examination = examine(path)
    if examination.environment is None:
        raise InvalidEnvironment(path, examination.problems)
    return examination.environment


def examine(path: Path, text: str | None = None) -> Examination:
    """Read and check a file; raises `InvalidEnvironment` only for what isn't YAML with keys.

    `text`: what the file would have, instead of what it has.
    """
    document = read(path) if text is None else parse(path, text)
    problems = list(document.problems)
    environment = _convert(document.data) if not document.has_null else None
    whole = environment is not None
    if environment is None:
        misshapen = _misshapen(document)
        problems += [problem for _, problem in misshapen]
        environment = _salvage(document.data, [place for place, _ in misshapen])
    found = list(checks.run(environment, document, whole=whole)) if environment else []
    problems += [each for each in found if each.severity == "error"]
    return Examination(
        document=document,
        environment=environment if whole and not problems else None,
        problems=_sorted(problems),
        advice=_sorted(each for each in found if each.severity == "advice"),
    )


def find(name_or_path: str, directory: Path | None = None) -> Path:
    """The file of an environment, by its name or by path; raises `Refused` when there is none."""
    if name_or_path.endswith((".yaml", ".yml")) or os.sep in name_or_path:
        path = Path(name_or_path)
        if path.is_file():
            return path
        raise Refused(f"there is no file {name_or_path}", hint="give a path that exists, or a name")
    folder = directory or environments_directory()
    path = folder / f"{name_or_path}.yaml"
    if path.is_file():
        return path
    names = [each.stem for each in files(folder)]
    raise Refused(
        f"there is no environment {name_or_path} in {_near(folder)}",
        hint=did_you_mean(name_or_path, names)
        or (f"there are: {listed(names)}" if names else f"write one with `llmctl init {name_or_path}`"),
    )


def files(directory: Path | None = None) -> list[Path]:
    """Every environment file, by name."""
    folder = directory or environments_directory()
    return sorted(_near(folder).glob("*.yaml")) if folder.is_dir() else []


def environments_directory() -> Path:
    """`$LLMCTL_ENVIRONMENTS`, else the nearest `environments/` upwards, else the one to create here."""
    if configured := os.environ.get(VARIABLE):
        return Path(configured)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / DIRECTORY).is_dir():
            return _near(folder / DIRECTORY)
    return Path(DIRECTORY)


def _near(path: Path) -> Path:
    """Relative to here when it is below: what people and editors expect to read."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def _misshapen(document: Document) -> list[tuple[Place, Problem]]:
    """Why the document isn't an environment; never nothing, even where only msgspec objects."""
    from infra.environment import shape

    found = shape.problems(document)
    if not found:
        try:
            msgspec.convert(document.data, Environment)
        except msgspec.ValidationError as error:
            found = [((), document.problem((), str(error), rule="schema"))]
    return found


def _convert(data: Any) -> Environment | None:
    try:
        return msgspec.convert(data, Environment)
    except msgspec.ValidationError:
        return None


def _salvage(data: dict[str, Any], misshapen: Iterable[Place]) -> Environment | None:
    """The environment without its misshapen models, so that the others are checked in the same run."""
    broken: set[str | int] = set()
    for place in misshapen:
        if len(place) < 2 or place[0] != "models":
            return None
        broken.add(place[1])
    models = {name: model for name, model in data["models"].items() if name not in broken}
    return _convert({**data, "models": models})


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda each: (each.line, each.column, each.what)))
