"""The runtime table as rollouts use it: consistent reads, and transactions on conditions."""

import random
import time
from collections.abc import Iterator, Mapping
from typing import Any

from infra.aws.rollout_items import Item, Key, text
from infra.aws.session import Session, translated
from infra.environment import names

_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds before a transaction that met another one is tried again; up to twice as long."""
_COLLIDED = {"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


class RolloutTable:
    """One environment's table. One that isn't there reads as empty."""

    def __init__(self, session: Session, environment: str) -> None:
        self._dynamodb = session.bounded.dynamodb
        self.name = names.runtime_table(environment)

    def item(self, key: Key) -> Item | None:
        """One item, or None."""
        with translated(f"reading the table {self.name}"):
            try:
                answer = self._dynamodb.get_item(TableName=self.name, Key=key, ConsistentRead=True)
            except self._dynamodb.exceptions.ResourceNotFoundException:
                return None
        return answer.get("Item")

    def query(self, partition: str, prefix: str = "", *, newest_first: bool = False) -> Iterator[Item]:
        """Items of a partition whose sort keys begin so, in their order."""
        values = {":pk": text(partition)} | ({":prefix": text(prefix)} if prefix else {})
        with translated(f"reading the table {self.name}"):
            pages = self._dynamodb.get_paginator("query").paginate(
                TableName=self.name,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)" if prefix else "pk = :pk",
                ExpressionAttributeValues=values,
                ConsistentRead=True,
                ScanIndexForward=not newest_first,
            )
            try:
                for page in pages:
                    yield from page["Items"]
            except self._dynamodb.exceptions.ResourceNotFoundException:
                return

    def write(self, doing: str, *writes: Mapping[str, Any]) -> bool:
        """All of them or none; false when a condition doesn't hold.

        One that meets another transaction is tried again. Raises `LlmctlError` with an unknown outcome when
        AWS doesn't answer: then the writes may have been made.
        """
        canceled = self._dynamodb.exceptions.TransactionCanceledException
        transaction: Any = list(writes)
        with translated(doing, changes=True):
            for pause in (*_PAUSES, None):
                try:
                    self._dynamodb.transact_write_items(TransactItems=transaction)
                except canceled as error:
                    reasons = {reason.get("Code", "") for reason in error.response["CancellationReasons"]}
                    if "ConditionalCheckFailed" in reasons:
                        return False
                    if pause is None or not reasons <= _COLLIDED:
                        raise
                    # Another transaction is on its way at the same item: it is over in a moment.
                    time.sleep(pause * random.uniform(1, 2))  # noqa: S311 - it only keeps two apart
                else:
                    break
        return True
