"""Paths of `capture.redact` that can match: a path that never does would be a promise that isn't kept."""

import re
from collections.abc import Iterator

from infra.environment.checks.base import Finding, Rule, Subject

_SYNTAX = re.compile(r"[\s$*\[\]/'\"]|^\.|\.$|\.\.|^$")
_BODIES = ("request", "response", "body")


def _check(subject: Subject) -> Iterator[Finding]:
    for name, model, _ in subject.models:
        for index, path in enumerate(model.capture.redact if model.capture else ()):
            place = ("models", name, "capture", "redact", index)
            first, _, rest = path.partition(".")
            if _SYNTAX.search(path):
                yield Finding(
                    place=place,
                    what=f"{path!r} is not a path",
                    why="it would match nothing, and the value would be kept",
                    allowed="names joined by dots, such as messages.content",
                    hint="lists are walked through: they need no index and no star",
                )
            elif first in _BODIES and rest:
                yield Finding(
                    place=place,
                    what=f"{path} begins with {first}",
                    why="paths begin in the JSON itself, and apply to the request and to the answer",
                    hint=f"did you mean {rest}?",
                )
            elif _has_index(path):
                yield Finding(
                    place=place,
                    what=f"{path} has a number in it",
                    why="lists are walked through: every element is redacted",
                    hint=f"did you mean {'.'.join(part for part in path.split('.') if not part.isdigit())}?",
                )


def _has_index(path: str) -> bool:
    return any(part.isdigit() for part in path.split("."))


RULE = Rule(id="capture", summary="What `capture` shall redact can be found.", check=_check)
