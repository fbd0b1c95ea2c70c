"""Pieces of Terraform's plan documents."""

from collections.abc import Mapping, Sequence
from typing import Any


def change(
    address: str,
    actions: Sequence[str],
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """An entry of `resource_changes`; `more` belongs to its `change`, except for mode and action_reason."""
    return {
        "address": address,
        "type": address.partition(".")[0],
        "mode": more.pop("mode", "managed"),
        **({"action_reason": reason} if (reason := more.pop("action_reason", "")) else {}),
        "change": {"actions": list(actions), "before": before, "after": after, **more},
    }


def document(*changes: Mapping[str, Any], **outputs: Any) -> dict[str, Any]:
    """A plan's document; `outputs` are `output_changes`."""
    return {"resource_changes": list(changes), "output_changes": outputs}
