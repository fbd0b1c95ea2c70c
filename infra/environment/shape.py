"""Is a document of the right shape? jsonschema finds what is wrong, this module says it in words.

It never shows a pattern or the library's own text: a field's description and examples tell what is allowed.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from infra.environment.document import Document, Place
from infra.environment.problems import Problem, did_you_mean, listed
from infra.environment.schema import schema

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_TYPES = {
    "object": "a section with keys",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
_TRUTHS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


@dataclass(frozen=True, kw_only=True)
class _Violation:
    """One of jsonschema's errors, in the terms of this module."""

    place: Place
    keyword: str
    expected: Any
    found: Any
    schema: dict[str, Any]
    of_name: bool
    """Whether a key and not a value breaks the schema."""
    missing: str
    """For `required`: which key."""


def problems(document: Document) -> list[tuple[Place, Problem]]:
    """Everything that keeps the document from being an environment, one problem for each place.

    A key that is missing because it is misspelled is said once.
    """
    found: dict[tuple[Place, str], tuple[Place, Problem]] = {}
    for violation in _violations(document.data):
        for place, problem in _worded(document, violation):
            found.setdefault((place, violation.missing), (place, problem))
    misspelled = {(*place[:-1], problem.hint) for place, problem in found.values() if problem.hint}
    return [
        each
        for (place, missing), each in found.items()
        if not missing or (*place, f"did you mean {missing}?") not in misspelled
    ]


def _violations(data: Any) -> Iterator[_Violation]:
    for error in _validator().iter_errors(data):
        assert isinstance(error.schema, dict)
        yield _Violation(
            place=tuple(error.absolute_path),
            keyword=str(error.validator),
            expected=error.validator_value,
            found=error.instance,
            schema=error.schema,
            of_name="propertyNames" in error.absolute_schema_path,
            # Each missing key is an error by itself, and its name is only in the message: 'name' is a ...
            missing=error.message.split("'")[1] if error.validator == "required" else "",
        )


@cache
def _validator() -> "Draft202012Validator":
    from jsonschema import Draft202012Validator, validators

    # JSON Schema takes 1.0 for a whole number, the typed model doesn't.
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    extend: Any = validators.extend  # untyped in the library's stubs
    strict: type[Draft202012Validator] = extend(Draft202012Validator, type_checker=types)
    return strict(schema())


def _worded(document: Document, error: _Violation) -> Iterator[tuple[Place, Problem]]:
    """The violation's problems: an object with several unknown keys has one for each."""
    place = error.place
    if error.keyword == "additionalProperties":
        unknown = [key for key in error.found if key not in error.schema["properties"]]
        spoken = [((*place, key), _unknown(error, key)) for key in unknown]
    elif error.of_name:
        words = {"what": f"{error.found} can't be a name", "allowed": _description(error)}
        spoken = [((*place, str(error.found)), words)]
    else:
        spoken = [(place, _WORDS.get(error.keyword, _other)(document, error))]
    at_key = error.of_name or error.keyword in ("additionalProperties", "required")
    for where, words in spoken:
        told: dict[str, Any] = {**words, "rule": "schema"}
        yield where, document.problem(where, key=at_key, **told)


def _unknown(error: _Violation, key: str) -> dict[str, str]:
    known = list(error.schema["properties"])
    return {
        "what": f"unknown key {key}",
        "why": "nothing would act on it",
        "allowed": listed(known, limit=20),
        "hint": did_you_mean(key, [name for name in known if name not in error.found]) or _home(key),
    }


@cache
def _homes() -> dict[str, str]:
    """Each section's keys, to tell where a misplaced one belongs."""
    return {
        key: title.lower()
        for title, section in schema()["$defs"].items()
        for key in section.get("properties", {})
    }


def _home(key: str) -> str:
    return f"{key} belongs in the section {_homes()[key]}" if key in _homes() else ""


def _missing(document: Document, error: _Violation) -> dict[str, str]:
    why = _purpose(error.schema["properties"][error.missing])
    return {"what": f"the key {error.missing} is missing", "why": why}


def _purpose(field: dict[str, Any]) -> str:
    reference = field.get("$ref", "").rpartition("/")[2]
    described = schema()["$defs"][reference] if reference else field
    return _sentence(described.get("description", ""))


def _other(document: Document, error: _Violation) -> dict[str, str]:
    return {"what": f"{_shown(error.found)} isn't allowed here", "allowed": _description(error)}


def _type(document: Document, error: _Violation) -> dict[str, str]:
    wanted = error.expected
    allowed = " or ".join(_TYPES[each] for each in ([wanted] if isinstance(wanted, str) else wanted))
    if error.found is None:
        return {"what": "has no value", "allowed": allowed, "hint": "write a value, or remove the key"}
    written = document.texts.get(error.place, "")
    hint = ""
    if wanted == "string" and written:
        hint = _quoted(written, error.schema)
    elif wanted == "boolean":
        hint = f"write {_TRUTHS.get(written.lower(), 'true or false')}"
    elif wanted in ("integer", "number") and isinstance(error.found, str) and _numeric(error.found):
        hint = f"remove the quotes: {error.found}"
    elif wanted == "integer" and isinstance(error.found, float) and error.found.is_integer():
        hint = f"write {error.found:.0f}"
    elif wanted == "array" and not isinstance(error.found, dict):
        hint = f"write [{written}]"
    return {
        "what": f"{written} is {_kind(error.found)}".removeprefix(" "),
        "allowed": allowed,
        "hint": hint,
    }


def _enum(document: Document, error: _Violation) -> dict[str, str]:
    return {
        "what": f"{_shown(error.found)} isn't one of the choices",
        "allowed": listed(error.expected),
        "hint": did_you_mean(error.found, map(str, error.expected)),
    }


def _pattern(document: Document, error: _Violation) -> dict[str, str]:
    examples = _examples(error.schema)
    return {
        "what": f"{_shown(error.found)} isn't of the right form",
        "allowed": ", ".join(filter(None, [_description(error), examples])),
    }


def _bound(word: str) -> Callable[[Document, _Violation], dict[str, str]]:
    def say(document: Document, error: _Violation) -> dict[str, str]:
        return {
            "what": f"{_shown(error.found)} is out of range",
            "why": _description(error),
            "allowed": f"{word} {error.expected}",
        }

    return say


def _empty(document: Document, error: _Violation) -> dict[str, str]:
    return {
        "what": "is empty",
        "why": _description(error),
        "allowed": f"at least {error.expected}",
    }


_WORDS: dict[str, Callable[[Document, _Violation], dict[str, str]]] = {
    "required": _missing,
    "type": _type,
    "enum": _enum,
    "pattern": _pattern,
    "minimum": _bound("at least"),
    "maximum": _bound("at most"),
    "exclusiveMinimum": _bound("more than"),
    "maxLength": _pattern,
    "minLength": _empty,
    "minItems": _empty,
    "minProperties": _empty,
}


def _description(error: _Violation) -> str:
    return _sentence(error.schema.get("description", ""))


def _sentence(text: str) -> str:
    """A description as a part of a longer sentence: no full stop, no capital but an acronym's."""
    text = text.removesuffix(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def _quoted(written: str, schema: dict[str, Any]) -> str:
    """Quoting helps only where the text itself would be right."""
    if re.search(schema.get("pattern", ""), written):
        return f'quote it: "{written}"'
    return _examples(schema)


def _examples(schema: dict[str, Any]) -> str:
    examples = listed(schema.get("examples", ()))
    return f"such as {examples}" if examples else ""


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return _kind(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a truth value"
    names = {str: "text", int: "a number", float: "a number", list: "a list", dict: "a section with keys"}
    return names[type(value)]


def _numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
