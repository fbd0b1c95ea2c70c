"""Which slot and release are live, for the driver of a rollout: only it may replace the record."""

from datetime import UTC, datetime

from infra.aws.session import Session, translated
from infra.environment import names
from infra.environment.slots import Slot
from infra.errors import LlmctlError


class TableRecords:
    """Implements `infra.rollout.ports.Records` with the runtime table."""

    def __init__(self, session: Session, environment: str, model: str) -> None:
        self._dynamodb = session.bounded.dynamodb
        self._table = names.runtime_table(environment)
        self._model = model

    def live(self) -> Slot:
        """The recorded slot, read consistently; raises `LlmctlError` when the model is live nowhere."""
        with translated(f"reading what is live of {self._model}"):
            item = self._dynamodb.get_item(
                TableName=self._table,
                Key={"pk": {"S": "model"}, "sk": {"S": self._model}},
                ConsistentRead=True,
            ).get("Item")
        if item is None:
            raise LlmctlError(
                f"{self._model} is not recorded as live in any slot",
                hint="`llmctl deploy` makes its first release live",
            )
        return Slot(item["slot"]["S"])

    def make_live(self, slot: Slot, release: int) -> None:
        """Replace the record; raises `LlmctlError` (outcome unknown) when AWS does not answer."""
        with translated(f"recording what is live of {self._model}", changes=True):
            self._dynamodb.put_item(
                TableName=self._table,
                Item={
                    "pk": {"S": "model"},
                    "sk": {"S": self._model},
                    "slot": {"S": slot.value},
                    "release": {"N": str(release)},
                    "since": {"S": datetime.now(UTC).isoformat(timespec="microseconds")},
                },
            )
