"""The JSON Schema of environment files, generated from the typed model.

msgspec's own schema is right but made for machines: it allows null wherever a field may be left out, hides
the root behind a reference and repeats defaults of whole sections. An editor shows this one, so it is cleaned
up. In a file an empty value is always a mistake: null is allowed nowhere.
"""

import json
from typing import Any

from infra.environment.model import Environment

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTIFIER = "https://llmctl.dev/schema/environment.json"


def schema() -> dict[str, Any]:
    """The schema as plain data."""
    import msgspec

    raw = msgspec.json.schema(Environment)
    definitions = {name: _clean(each) for name, each in raw["$defs"].items()}
    root = definitions.pop("Environment")
    return {
        "$schema": DIALECT,
        "$id": IDENTIFIER,
        **root,
        "title": "llmctl environment",
        "$defs": dict(sorted(definitions.items())),
    }


def text() -> str:
    """The schema as `environments/schema.json` holds it."""
    return json.dumps(schema(), indent=2) + "\n"


def _clean(node: Any) -> Any:
    if isinstance(node, list):
        return [_clean(each) for each in node]
    if not isinstance(node, dict):
        return node
    cleaned = {key: _clean(value) for key, value in node.items()}
    _merge_alternatives(cleaned)
    if cleaned.get("default", ()) is None or isinstance(cleaned.get("default"), dict):
        del cleaned["default"]
    if cleaned.get("required") == []:
        del cleaned["required"]
    return cleaned


def _merge_alternatives(node: dict[str, Any]) -> None:
    """An optional field is its one real alternative; plain types become one list of types."""
    alternatives = [each for each in node.get("anyOf", ()) if each != {"type": "null"}]
    if len(alternatives) == 1:
        del node["anyOf"]
        for key, value in alternatives[0].items():
            node.setdefault(key, value)
    elif alternatives and all(set(each) == {"type"} for each in alternatives):
        del node["anyOf"]
        node["type"] = [each["type"] for each in alternatives]
