"""How results look: JSON, tables, live progress. The only place that imports rich."""

import sys
from typing import Any

import msgspec


def emit_json(document: Any) -> None:
    """Write one JSON document (dataclasses, structs, paths and enums included) to stdout."""
    encoded = msgspec.json.encode(document, enc_hook=str)
    sys.stdout.write(msgspec.json.format(encoded, indent=2).decode() + "\n")
