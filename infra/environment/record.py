"""An environment as Terraform's state keeps it: what was last applied, to be compared with the file."""

import json

import msgspec

from infra.environment.model import Environment

RECORD = "environment"
"""Name of the stack's output that holds it."""


def encoded(environment: Environment) -> str:
    """The environment as one line of JSON; equal environments give equal bytes."""
    return json.dumps(msgspec.to_builtins(environment), sort_keys=True, separators=(",", ":"))


def decoded(text: str | None) -> Environment | None:
    """The environment of a record; None without one, and for one that another version of llmctl wrote."""
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=Environment)
    except msgspec.DecodeError:
        return None
