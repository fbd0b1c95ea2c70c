"""A team's rules over plans: the files of one folder, and what they say.

`policy.yaml` has figures for llmctl's own rules, a `.py` file functions whose names begin with `deny_` or
`warn_`, a `.json` file a JSON Schema that the plan's document must satisfy. Python rules run in this process,
as the team's own reviewed code: whoever may change them may run code where plans are made.
"""

import json
import runpy
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from infra.errors import Refused
from infra.policy.settings import Settings, check
from infra.policy.types import Document, Severity, Violation

_SETTINGS = "policy.yaml"
_HINT = "docs/policy.md says what a policy folder holds"


def evaluate(folder: Path, document: Document) -> tuple[Violation, ...]:
    """What the rules of a folder object to, denials first.

    Raises `Refused` for a folder without rules, and for a rule that can't be read or fails: a plan that
    wasn't checked has not passed.
    """
    if not folder.is_dir():
        raise Refused(f"{folder}: there is no such folder of policies", hint=_HINT)
    files = sorted(
        each for each in folder.iterdir() if each.name == _SETTINGS or each.suffix in (".py", ".json")
    )
    if not files:
        raise Refused(f"{folder} has no rule in it", hint=_HINT)
    found = [violation for file in files for violation in _READERS[file.suffix](file, document)]
    return tuple(sorted(found, key=lambda each: each.severity is not Severity.DENY))


def _settings(file: Path, document: Document) -> Iterator[Violation]:
    from infra.environment.document import read

    parsed = read(file)
    if parsed.problems:
        raise Refused(f"{file}:{parsed.problems[0].line}: {parsed.problems[0].what}", hint=_HINT)
    try:
        settings = msgspec.convert(parsed.data, Settings)
    except msgspec.ValidationError as error:
        raise Refused(f"{file}: {error}", hint=_HINT) from None
    return check(settings, document, file.name)


def _functions(file: Path, document: Document) -> Iterator[Violation]:
    try:
        names = runpy.run_path(str(file))
    except Exception as error:
        raise Refused(f"{file}: {type(error).__name__}: {error}", hint=_HINT) from error
    rules = {name: each for name, each in names.items() if callable(each) and _severity(name)}
    if not rules:
        raise Refused(f"{file} has no function deny_... or warn_...", hint=_HINT)
    for name, rule in rules.items():
        for message in _called(file, name, rule, document):
            yield Violation(
                severity=Severity(_severity(name)), rule=f"{file.name}: {name}", message=str(message)
            )


def _called(
    file: Path, name: str, rule: Callable[[Document], Iterable[str]], document: Document
) -> list[str]:
    try:
        return list(rule(document))
    except Exception as error:
        line = (
            error.__traceback__.tb_next.tb_lineno
            if error.__traceback__ and error.__traceback__.tb_next
            else 0
        )
        raise Refused(f"{file}:{line}: {name} failed: {type(error).__name__}: {error}", hint=_HINT) from error


def _severity(name: str) -> str:
    prefix = name.partition("_")[0]
    return prefix if prefix in list(Severity) else ""


def _schema(file: Path, document: Document) -> Iterator[Violation]:
    import jsonschema

    try:
        schema: Mapping[str, Any] = json.loads(file.read_text())
        validator = jsonschema.Draft202012Validator(schema)
        validator.check_schema(schema)
        severity = Severity(schema.get("x-severity", Severity.DENY))
    except (ValueError, jsonschema.SchemaError) as error:
        raise Refused(f"{file}: {str(error).splitlines()[0]}", hint=_HINT) from None
    rule = f"{file.name}: {schema.get('title', 'schema')}"
    for found in sorted(validator.iter_errors(document), key=lambda each: list(map(str, each.path))):
        where = ".".join(map(str, found.path)) or "the plan"
        yield Violation(severity=severity, rule=rule, message=f"{where}: {found.message}")


_READERS = {".yaml": _settings, ".py": _functions, ".json": _schema}
