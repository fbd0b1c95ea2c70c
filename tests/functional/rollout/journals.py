"""Journals on a clock that tests move: in an emulated table, and the fake in memory."""

from dataclasses import dataclass
from functools import cached_property

from infra.aws.rollout_journal import TableJournal
from infra.aws.session import Session
from infra.environment import names
from infra.environment.slots import Market, Slot
from infra.rollout.ports import Journal, Record
from infra.rollout.types import Phase, Plan, Size, Status, Step
from tests.fakes.cluster import Cluster
from tests.fakes.rollout import FakeClock, FakeJournal

START = 1_800_000_000.0
SECONDS = 60.0
FIRST = Status(phase=Phase.PREPARING, since=START)


@dataclass
class Place:
    """A table and its time."""

    session: Session
    environment: str
    now: float = START

    def journal(self) -> TableJournal:
        """A journal as another process would make it."""
        return TableJournal(self.session, self.environment, "chat", now=lambda: self.now)

    def create(self) -> None:
        """Create the table, as Terraform would."""
        self.session.dynamodb.create_table(
            TableName=names.runtime_table(self.environment),
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
        )


class Memory:
    """The fake that tests of drivers use; `now` as in a `Place`."""

    def __init__(self) -> None:
        self._cluster = Cluster(plan=a_plan(), now=START)

    @property
    def now(self) -> float:
        """The time."""
        return self._cluster.now

    @now.setter
    def now(self, value: float) -> None:
        self._cluster.now = value

    def journal(self) -> FakeJournal:
        """The one journal that there is."""
        return self._journal

    @cached_property
    def _journal(self) -> FakeJournal:
        return FakeJournal(clock=FakeClock(cluster=self._cluster))


def record_of(journal: Journal) -> Record:
    """The record, which must be there."""
    found = journal.read()
    assert found is not None
    return found


def a_plan(number: int = 1) -> Plan:
    """The plan of a model's first, second... rollout."""
    return Plan(
        id=f"2026112{number}T213000Z-1a2b",
        model="chat",
        old_slot=Slot.BLUE,
        old_release=number,
        new_slot=Slot.GREEN,
        new_release=number + 1,
        strategy="canary",
        steps=(Step(weight=25, bake=60.0), Step(weight=100, bake=60.0, pause=True)),
        gates=(),
        baseline={Market.SPOT: Size(minimum=1, desired=2), Market.ON_DEMAND: Size(minimum=0, desired=0)},
        surge=None,
        capacity_timeout=1200.0,
        propagation=60.0,
        patience=1800.0,
        inconclusive="pause",
        keep_previous=1800.0,
        watchdog=900.0,
        judge_every=60.0,
        started_by="ann@laptop 7",
    )
