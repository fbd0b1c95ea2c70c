"""What Terraform would do to each resource, read from the JSON of its plan (`terraform show -json`). Pure.

The format: https://developer.hashicorp.com/terraform/internals/json-format. A value that is sensitive
never leaves this module, and one that only the apply will know is named as such.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from infra.plan.values import Difference, differences, secret
from infra.terraform.diagnostics import model_of


class Action(StrEnum):
    """What happens to a resource; the worst ones last."""

    CREATE = "create"
    FORGET = "forget"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"

    @property
    def destroys(self) -> bool:
        """Whether the resource that is there goes away."""
        return self in (Action.REPLACE, Action.DELETE)


_ACTIONS: Mapping[tuple[str, ...], Action] = {
    ("create",): Action.CREATE,
    ("update",): Action.UPDATE,
    ("delete",): Action.DELETE,
    ("delete", "create"): Action.REPLACE,
    ("create", "delete"): Action.REPLACE,
    ("forget",): Action.FORGET,
}
"""Reads and no-ops are no changes."""
_ECHOES = frozenset({"tags_all", "id", "arn", "latest_version", "default_version", "last_modified", "etag"})
"""Attributes that follow from others, or that AWS counts."""


@dataclass(frozen=True, kw_only=True)
class ResourceChange:
    """One resource that would change."""

    address: str
    type: str
    model: str
    """Empty: it belongs to no single model."""
    action: Action
    reason: str
    """Why it is replaced or deleted, in Terraform's words; mostly empty."""
    before: Mapping[str, Any]
    """Empty for a new one. A `Secret` stands for each sensitive value, here and in `after`."""
    after: Mapping[str, Any]
    """Empty for a deleted one. What isn't known yet is not in it."""
    differences: tuple[Difference, ...]
    """Of an update or a replacement: what matters of what changes."""


def resource_changes(document: Mapping[str, Any]) -> tuple[ResourceChange, ...]:
    """The changes of a plan's document, in its order."""
    return tuple(_changes(document))


def output_values(document: Mapping[str, Any], name: str) -> tuple[Any, Any]:
    """What an output is before and after; None where it isn't there, isn't known, or is sensitive."""
    change = document.get("output_changes", {}).get(name, {})
    hidden = change.get("before_sensitive"), change.get("after_sensitive")
    before, after = (
        None if hide is True else change.get(key)
        for key, hide in zip(("before", "after"), hidden, strict=True)
    )
    return before, after


def _changes(document: Mapping[str, Any]) -> Iterator[ResourceChange]:
    for each in document.get("resource_changes", []):
        action = _ACTIONS.get(tuple(each["change"]["actions"]))
        if action is None or each.get("mode") == "data":
            continue
        change = each["change"]
        before = _without_secrets(change.get("before"), change.get("before_sensitive")) or {}
        after = _without_secrets(change.get("after"), change.get("after_sensitive")) or {}
        yield ResourceChange(
            address=each["address"],
            type=each["type"],
            model=model_of(each["address"]) or "",
            action=action,
            reason=each.get("action_reason", ""),
            before=before,
            after=after,
            differences=_differences(action, before, after, change),
        )


def _differences(
    action: Action, before: Mapping[str, Any], after: Mapping[str, Any], change: Mapping[str, Any]
) -> tuple[Difference, ...]:
    if action not in (Action.UPDATE, Action.REPLACE):
        return ()
    unknown = change.get("after_unknown") or {}
    causes = [tuple(str(part) for part in path) for path in change.get("replace_paths", [])]
    found = differences(before, after, unknown, causes)
    return tuple(each for each in found if each.replaces or each.path.partition(".")[0] not in _ECHOES)


def _without_secrets(value: Any, sensitive: Any) -> Any:
    """The value, with a mark wherever Terraform says that it is sensitive."""
    if sensitive is True:
        return secret(value)
    if isinstance(sensitive, dict) and isinstance(value, dict):
        return {key: _without_secrets(each, sensitive.get(key)) for key, each in value.items()}
    if isinstance(sensitive, list) and isinstance(value, list):
        marks = [*sensitive, *[None] * (len(value) - len(sensitive))]
        return [_without_secrets(each, mark) for each, mark in zip(value, marks, strict=False)]
    return value
