"""No secret is written in an environment file: it would be in Git, in the state and in every plan."""

import re
from collections.abc import Iterator

from infra.engines.base import API_KEY_REFERENCE
from infra.environment.checks.base import Finding, Rule, Subject
from infra.environment.document import Place

_ANYWHERE = {"secret", "secrets", "password", "passwd", "credential", "credentials", "apikey"}
_LAST = {"key", "token", "authtoken"}
_NUMBER = re.compile(r"[\d.]{1,8}")
"""A setting such as SIMULATOR_TIME_PER_TOKEN: too short for a secret."""
_VALUES = re.compile(r"^(hf_[A-Za-z0-9]{10,}|sk-[\w-]{10,}|gh[pousr]_\w{10,}|AKIA[0-9A-Z]{16})$")


def _check(subject: Subject) -> Iterator[Finding]:
    for name, model, engine in subject.models:
        base: Place = ("models", name, "engine")
        for variable, value in model.engine.env.items():
            if value != API_KEY_REFERENCE and _suspicious(variable, value):
                yield _finding((*base, "env", variable), variable)
        for argument, setting in model.engine.args.items():
            if argument not in engine.vocabulary.reserved and _suspicious(argument, setting):
                yield _finding((*base, "args", argument), argument)


def _suspicious(name: str, value: object) -> bool:
    if not isinstance(value, str) or not value:
        return False
    words = re.split(r"[_-]", name.lower())
    return bool(_ANYWHERE & set(words)) or _ends_like_one(words[-1], value) or bool(_VALUES.match(value))


def _ends_like_one(word: str, value: str) -> bool:
    return word in _LAST and not _NUMBER.fullmatch(value)


def _finding(place: Place, name: str) -> Finding:
    return Finding(
        place=place,
        what=f"{name} looks like a secret",
        why="the file is in Git, and the value would be in the state and in every plan",
        hint="the endpoint's key needs no setting; copy gated weights to s3://, which the role can read",
        at_key=True,
    )


RULE = Rule(id="secrets", summary="No secret is written in the file.", check=_check)
