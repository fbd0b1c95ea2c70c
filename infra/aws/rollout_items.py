"""How rollouts lie in the runtime table, and the parts of a transaction that writes them.

ARCHITECTURE.md lists the items. Each model's current or last rollout is one item, so that one condition
fences everything; its story and the audit log grow beside it, in the same transactions.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

from infra.rollout.codec import from_json, to_json, tuple_from_json
from infra.rollout.ports import Entry, Lease, Record
from infra.rollout.types import Plan, Request, Status, Verdict

_KEPT = 90 * 24 * 3600
"""Seconds that a line of a story is kept."""
_LONGEST_TEXT = 4000
"""An item has room for 400 KB: no error of AWS may fill it."""
_written = count()
"""Lines of one moment sort as this process wrote them."""

Item = Mapping[str, Any]
Key = Mapping[str, Mapping[str, str]]


def current_key(model: str) -> Key:
    """Of a model's current or last rollout."""
    return {"pk": {"S": "rollout"}, "sk": {"S": model}}


def story(model: str) -> str:
    """Partition of what happened in a model's rollouts."""
    return f"journal#{model}"


def past(model: str) -> str:
    """Partition of all rollouts of a model."""
    return f"rollouts#{model}"


def past_key(model: str, rollout: str) -> Key:
    """Of one of them."""
    return {"pk": {"S": past(model)}, "sk": {"S": rollout}}


def text(value: str) -> Mapping[str, str]:
    """An attribute of text."""
    return {"S": value}


def number(value: float) -> Mapping[str, str]:
    """An attribute of a number."""
    return {"N": str(value)}


def put(table: str, item: Item) -> dict[str, Any]:
    """A write that is the same however often it is done."""
    return {"Put": {"TableName": table, "Item": item}}


def update(
    table: str,
    key: Key,
    *,
    values: Mapping[str, Mapping[str, str]],
    drop: Sequence[str] = (),
    condition: str = "",
    given: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, Any]:
    """A write of some attributes, on a condition over #attributes and :given values; of none, a check."""
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in values) if values else ""
    if drop:
        expression += " REMOVE " + ", ".join(f"#{name}" for name in drop)
    found: dict[str, Any] = {"TableName": table, "Key": key}
    if expression:
        found["UpdateExpression"] = expression.strip()
    if condition:
        found["ConditionExpression"] = condition
    # Every name gets an alias: status and token are words of the language.
    used = set(re.findall(r"#(\w+)", f"{expression} {condition}"))
    found["ExpressionAttributeNames"] = {f"#{name}": name for name in used}
    if values or given:
        found["ExpressionAttributeValues"] = {
            f":{name}": value for name, value in {**values, **(given or {})}.items()
        }
    return {"Update" if expression else "ConditionCheck": found}


def entry_item(model: str, rollout: str, entry: Entry) -> Item:
    """A line of a rollout's story; they sort by time."""
    item: dict[str, Any] = {
        "pk": text(story(model)),
        "sk": text(f"{rollout}#{_moment(entry.at)}"),
        "at": number(entry.at),
        "actor": text(entry.actor),
        "kind": text(entry.kind),
        "text": text(entry.text[:_LONGEST_TEXT]),
        "expires": number(int(entry.at) + _KEPT),
    }
    if entry.status is not None:
        item["status"] = text(to_json(entry.status))
    if entry.verdicts:
        item["verdicts"] = text(to_json(tuple(entry.verdicts)))
    return item


def event_item(at: float, actor: str, action: str, target: str, result: str) -> Item:
    """A line of the environment's audit log."""
    return {
        "pk": text("event"),
        "sk": text(_moment(at)),
        "actor": text(actor),
        "action": text(action),
        "target": text(target),
        "result": text(result[:_LONGEST_TEXT]),
    }


def entry(item: Item) -> Entry:
    """Inverse of `entry_item`."""
    return Entry(
        at=float(item["at"]["N"]),
        actor=item["actor"]["S"],
        kind=item["kind"]["S"],
        text=item["text"]["S"],
        status=from_json(Status, item["status"]["S"]) if "status" in item else None,
        verdicts=tuple_from_json(Verdict, item["verdicts"]["S"]) if "verdicts" in item else (),
    )


def record(item: Item) -> Record:
    """A rollout, the current one or one of the past."""
    status = from_json(Status, item["status"]["S"])
    request = from_json(Request, item["request"]["S"]) if "request" in item else None
    return Record(
        plan=from_json(Plan, item["plan"]["S"]),
        status=status,
        # A wish that was carried out stays in the item until the next one: whoever clears it might clear
        # one that has just been left instead.
        request=None if request is None or request.id == status.handled else request,
        intent=item["intent"]["S"] if "intent" in item else "",
        lease=_lease(item),
        let_go_at=float(item["let_go_at"]["N"]) if "let_go_at" in item else None,
    )


def _lease(item: Item) -> Lease | None:
    if "holder" not in item:
        return None
    return Lease(
        model=item["sk"]["S"],
        holder=item["holder"]["S"],
        token=int(item["token"]["N"]),
        until=float(item["lease_until"]["N"]),
    )


def _moment(at: float) -> str:
    """A sort key that no two lines share."""
    time = datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
    return f"{time}#{next(_written):08x}{secrets.token_hex(4)}"
