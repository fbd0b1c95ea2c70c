"""The runtime table as the agent writes it."""

import threading
from typing import Any

from botocore.exceptions import EndpointConnectionError

from infra.agent.machine import Phase
from infra.agent.report import TableReporter


class FakeTable:
    """A DynamoDB table that may be down."""

    def __init__(self) -> None:
        self.down = False
        self.items: list[dict[str, Any]] = []

    def put_item(self, *, TableName: str, Item: dict[str, Any]) -> None:  # noqa: N803 - as boto3
        """As boto3."""
        if self.down:
            raise EndpointConnectionError(endpoint_url="http://dynamodb")
        self.items.append(Item)


def reporter(table: FakeTable) -> TableReporter:
    """Reports for i-1, at a fixed time."""
    return TableReporter(
        table,  # type: ignore[arg-type]
        table="llmctl-local",
        model="chat",
        instance_id="i-1",
        wall=lambda: 1_800_000_000.0,
    )


def test_phase_is_written_as_the_contract_says() -> None:
    """`status` reads exactly these attributes, and expired replicas vanish by themselves."""
    table = FakeTable()
    told = reporter(table)
    told.phase(Phase.LOADING, "attempt 2")
    assert told.tell()
    assert table.items == [
        {
            "pk": {"S": "replica"},
            "sk": {"S": "chat#i-1"},
            "phase": {"S": "loading"},
            "detail": {"S": "attempt 2"},
            "since": {"S": "2027-01-15T08:00:00.000000+00:00"},
            "expires": {"N": "1800000180"},
        }
    ]


def test_events_survive_an_outage_in_order() -> None:
    """An event that can't be written now is written later, once."""
    table = FakeTable()
    told = reporter(table)
    table.down = True
    told.event("loading", "")
    assert not told.tell()
    told.event("healthy", "")
    table.down = False
    assert told.tell()
    assert told.tell()
    assert [item["action"]["S"] for item in table.items] == ["loading", "healthy"]
    assert all(item["sk"]["S"].startswith("2027-01-15T08:00:00") for item in table.items)


def test_detail_changes_keep_the_phase_since() -> None:
    """Progress within a phase is no new phase."""
    table = FakeTable()
    wall = iter([1.0, 100.0, 200.0, 300.0])
    told = TableReporter(
        table,  # type: ignore[arg-type]
        table="t",
        model="chat",
        instance_id="i-1",
        wall=lambda: next(wall),
    )
    told.phase(Phase.FETCHING, "1 of 2 GiB")
    told.phase(Phase.FETCHING, "2 of 2 GiB")
    told.tell()
    assert table.items[0]["since"]["S"].startswith("1970-01-01T00:00:01")


def test_flush_is_bounded_when_the_table_is_down() -> None:
    """The last word may not keep a leaving instance."""
    table = FakeTable()
    table.down = True
    told = reporter(table)
    told.phase(Phase.DRAINING, "")
    done = threading.Event()

    def leave() -> None:
        told.flush(0.01)
        done.set()

    threading.Thread(target=leave, daemon=True).start()
    assert done.wait(5)
