"""The scorer of structured answers: is it JSON, and of the prompt's schema? References are not fetched."""

import json
import re

from jsonschema import ValidationError
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from infra.quality.prompts import GoldenPrompt
from infra.quality.scoring import Unscored

_FENCED = re.compile(r"\A```[\w-]*\s*\n(.*?)\n?\s*```\Z", re.DOTALL)


def json_schema(prompt: GoldenPrompt, answer: str) -> float:
    """1 if the answer is JSON of the prompt's schema, a fence of Markdown around it or not.

    Raises `Unscored` for a schema that refers to another document.
    """
    text = answer.strip()
    if fenced := _FENCED.match(text):
        text = fenced.group(1)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return 0.0
    schema = prompt.schema
    assert schema is not None
    validator = validator_for(schema)(schema, registry=Registry())
    try:
        validator.validate(document)
    except ValidationError:
        return 0.0
    except Unresolvable as error:
        raise Unscored(f"its schema refers to what is not in it: {error}") from error
    return 1.0
