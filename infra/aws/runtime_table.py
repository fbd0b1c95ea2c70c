"""The runtime table: what is live, what agents report, what happened. ARCHITECTURE.md lists the items."""

import getpass
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from infra.aws import rollout_items
from infra.aws.session import Session, translated
from infra.deploy.events import Event
from infra.deploy.types import Live, Phase, Report, Rollout
from infra.environment import names
from infra.environment.slots import Slot
from infra.errors import ExitCode, LlmctlError


class RuntimeTable:
    """Implements `infra.deploy.ports.Runtime` with DynamoDB. A table that isn't there yet reads as empty."""

    def __init__(self, session: Session, environment: str) -> None:
        self._dynamodb = session.dynamodb
        self._table = names.runtime_table(environment)

    def live(self) -> Mapping[str, Live]:
        """What is recorded as live, by model."""
        return {
            item["sk"]["S"]: Live(
                slot=Slot(item["slot"]["S"]),
                release=int(item["release"]["N"]),
                since=datetime.fromisoformat(item["since"]["S"]),
            )
            for item in self._query("model")
        }

    @translated("recording what is live")
    def make_live(self, model: str, slot: Slot, release: int) -> None:
        """Record the first live release; a conflict if another deploy was faster."""
        item = {
            "pk": {"S": "model"},
            "sk": {"S": model},
            "slot": {"S": slot.value},
            "release": {"N": str(release)},
            "since": {"S": _now()},
        }
        try:
            self._dynamodb.put_item(
                TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)"
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            raise LlmctlError(
                f"{model}: another deploy made a release live at the same time",
                hint="run the command again: it starts from what is there now",
                code=ExitCode.CONFLICT,
            ) from error

    @translated("forgetting a model")
    def forget(self, model: str) -> None:
        """Drop the records of a model that is no longer in the environment, and the story of its rollouts.

        What is live goes last: cut before, the next deploy forgets the rest.
        """
        for partition in (rollout_items.story(model), rollout_items.past(model)):
            for item in self._query(partition):
                self._delete(partition, item["sk"]["S"])
        self._delete("rollout", model)
        self._delete("model", model)

    def rollouts(self) -> Mapping[str, Rollout]:
        """The current or last rollout of each model that ever had one."""
        found = map(rollout_items.record, self._query("rollout"))
        now = time.time()
        return {
            each.plan.model: Rollout(
                plan=each.plan,
                status=each.status,
                driver=each.lease.holder if each.lease and each.lease.until > now else "",
            )
            for each in found
        }

    def reports(self) -> Mapping[str, Report]:
        """What the agents last said, by instance."""
        return {
            item["sk"]["S"].partition("#")[2]: Report(
                phase=Phase(item["phase"]["S"]),
                detail=item.get("detail", {}).get("S", ""),
                since=datetime.fromisoformat(item["since"]["S"]),
            )
            for item in self._query("replica")
        }

    @translated("recording an event")
    def record(self, action: str, target: str, result: str) -> None:
        """Append to the audit log: who (user and host), what, on what, with which result."""
        self._dynamodb.put_item(
            TableName=self._table,
            Item={
                "pk": {"S": "event"},
                "sk": {"S": f"{_now()}#{secrets.token_hex(4)}"},
                "actor": {"S": f"{getpass.getuser()}@{socket.gethostname()}"},
                "action": {"S": action},
                "target": {"S": target},
                "result": {"S": result},
            },
        )

    def events(self, since: datetime) -> tuple[Event, ...]:
        """The audit log from `since` on, oldest first."""
        first = since.astimezone(UTC).isoformat(timespec="microseconds")
        return tuple(
            Event(
                time=datetime.fromisoformat(item["sk"]["S"].partition("#")[0]),
                id=item["sk"]["S"],
                actor=item["actor"]["S"],
                action=item["action"]["S"],
                target=item["target"]["S"],
                result=item["result"]["S"],
            )
            for item in self._query("event", first)
        )

    def _delete(self, partition: str, key: str) -> None:
        self._dynamodb.delete_item(TableName=self._table, Key={"pk": {"S": partition}, "sk": {"S": key}})

    def _query(self, partition: str, first: str | None = None) -> Iterator[Mapping[str, Any]]:
        """Items of a partition in the order of their sort keys, from `first` on."""
        values = {":pk": {"S": partition}} | ({":first": {"S": first}} if first else {})
        with translated(f"reading the table {self._table}"):
            pages = self._dynamodb.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk >= :first" if first else "pk = :pk",
                ExpressionAttributeValues=values,
                ConsistentRead=True,
            )
            try:
                for page in pages:
                    yield from page["Items"]
            except self._dynamodb.exceptions.ResourceNotFoundException:
                return


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
