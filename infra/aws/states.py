"""What the state buckets of an account know: which environments have resources in their state, and locks.

All regions count: roles, DNS records and dashboards are seen from each of them.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.aws.session import Session, error_code, translated
from infra.environment import names

_LOCK = ".tflock"


@dataclass(frozen=True)
class StateOf:
    """An environment's Terraform state."""

    resources: int
    """How many it lists; an environment that was destroyed keeps an empty state."""
    lock: str | None = None
    """Id of the lock, while somebody is at work, or was when they were killed."""
    holder: str = ""
    """Who holds the lock, and since when."""


@translated("reading the Terraform states of the account")
def states(session: Session) -> Mapping[str, StateOf]:
    """By environment."""
    return dict(_read(session))


def _read(session: Session) -> Iterator[tuple[str, StateOf]]:
    suffix = names.state_key("")
    for bucket in _buckets(session):
        keys = [
            each["Key"]
            for page in session.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            for each in page.get("Contents", [])
        ]
        for environment in {key.partition("/")[0] for key in keys}:
            state, lock = f"{environment}{suffix}", f"{environment}{suffix}{_LOCK}"
            listed = _document(session, bucket, state) if state in keys else {}
            held = _document(session, bucket, lock) if lock in keys else {}
            managed = [each for each in listed.get("resources", ()) if each.get("mode") == "managed"]
            holder = f"{held.get('Who', 'somebody')} since {held.get('Created', '?')[:19]}" if held else ""
            yield environment, StateOf(len(managed), held.get("ID"), holder)


def _buckets(session: Session) -> Iterator[str]:
    prefix = names.state_bucket(session.account, "")
    for bucket in session.s3.list_buckets()["Buckets"]:
        if bucket["Name"].startswith(prefix):
            yield bucket["Name"]


def _document(session: Session, bucket: str, key: str) -> dict[str, Any]:
    """An object's JSON; empty when it went meanwhile."""
    try:
        body = session.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except session.s3.exceptions.ClientError as error:
        if error_code(error) == "NoSuchKey":
            return {}
        raise
    document: dict[str, Any] = json.loads(body)
    return document
