"""What only the journal in the runtime table can show: its items, races, and answers that get lost."""

import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from infra.aws.rollout_journal import TableJournal
from infra.aws.runtime_table import RuntimeTable
from infra.aws.session import Session
from infra.environment import names
from infra.environment.slots import Slot
from infra.errors import ExitCode, LlmctlError, Refused
from infra.rollout.errors import HeldError
from infra.rollout.ports import Lease
from infra.rollout.types import Asked, Phase, Request, Resize, SetWeights, Status
from tests.functional.rollout.journals import FIRST, SECONDS, START, Place, a_plan, record_of

ANN, BOB = "ann@laptop 7", "bob@desk 9"
SHIFT = SetWeights(weights={Slot.BLUE: 75, Slot.GREEN: 25})
BAKING = Status(phase=Phase.BAKING, since=START + 5, weight=25, shifted_at=START + 4)
WISH = Request(id="r1", asked=Asked.PAUSE, by=BOB, at=START + 3)


@pytest.fixture
def place(session: Session, request: pytest.FixtureRequest) -> Place:
    """An empty table of the test's own."""
    found = Place(session, f"journal-{zlib.crc32(request.node.name.encode())}")
    found.create()
    return found


@pytest.fixture
def journal(place: Place) -> TableJournal:
    """A journal in which a rollout has begun."""
    made = place.journal()
    made.begin(a_plan(), FIRST)
    return made


def test_nothing_is_remembered_at_first(session: Session) -> None:
    """No table, no item: no rollout, no story, and no error."""
    place = Place(session, "no-table")
    journal = place.journal()
    assert (journal.read(), journal.entries(), journal.history()) == (None, (), ())
    place.create()
    assert (journal.read(), journal.entries(), journal.history()) == (None, (), ())
    with pytest.raises(Refused, match="no rollout goes on"):
        journal.acquire(ANN, SECONDS)


def test_a_refusal_says_what_goes_on(journal: TableJournal) -> None:
    """Who begins another rollout reads which one is in the way, where it is, and how it ends."""
    with pytest.raises(LlmctlError, match="release 2 is not over: preparing, 0 %") as caught:
        journal.begin(a_plan(2), FIRST)
    assert "abort" in caught.value.hint
    journal.enter(journal.acquire(ANN, SECONDS), Status(phase=Phase.KEEPING, since=START, weight=100))
    with pytest.raises(LlmctlError, match="keeping") as caught:
        journal.begin(a_plan(2), FIRST)
    assert "rollback" in caught.value.hint


def test_a_rollout_that_was_begun_is_not_begun_again(journal: TableJournal) -> None:
    """The answer to a begin may be lost: who repeats it finds that it was made, once."""
    lease = journal.acquire(ANN, SECONDS)
    journal.begin(a_plan(), FIRST)
    assert record_of(journal).lease == lease
    assert len(journal.history()) == 1


def test_meeting_another_transaction_is_no_failure(place: Place) -> None:
    """A wish and a heartbeat that collide are both written: AWS refuses one of them, and it is repeated."""
    journal = place.journal()
    with refusing(place.session, "TransactionConflict"):
        journal.begin(a_plan(), FIRST)
    assert record_of(journal).plan == a_plan()


def test_a_transaction_that_can_never_be_made_is_an_error(journal: TableJournal, place: Place) -> None:
    """What is wrong with the request itself is neither repeated nor taken for a lost lease."""
    lease = journal.acquire(ANN, SECONDS)
    with refusing(place.session, "ItemCollectionSizeLimitExceeded"), pytest.raises(LlmctlError) as caught:
        journal.enter(lease, BAKING)
    assert caught.value.code is ExitCode.FAILED
    assert record_of(journal).status == FIRST


def test_one_of_many_begins(place: Place) -> None:
    """However many start a rollout at the same moment, one begins and the others are told."""
    outcomes = at_once(8, lambda number: place.journal().begin(a_plan(number + 1), FIRST))
    refused = [outcome for outcome in outcomes if isinstance(outcome, LlmctlError)]
    assert (len(refused), {error.code for error in refused}) == (7, {ExitCode.CONFLICT})
    assert len(place.journal().history()) == 1


def test_one_of_many_drives(journal: TableJournal, place: Place) -> None:
    """However many take the lease at the same moment, one has it."""
    outcomes = at_once(8, lambda number: place.journal().acquire(f"driver {number}", SECONDS))
    leases = [outcome for outcome in outcomes if isinstance(outcome, Lease)]
    assert len(leases) == 1
    assert all(isinstance(outcome, HeldError) for outcome in outcomes if outcome not in leases)
    assert record_of(journal).lease == leases[0]


def test_the_audit_log_tells_the_story(journal: TableJournal, place: Place) -> None:
    """`llmctl events` shows what began, what changed and what was asked, each with who did it."""
    lease = journal.acquire(ANN, SECONDS)
    resize = Resize(group="llmctl-x-chat-green-spot", minimum=1, desired=1)
    for mutation in (SHIFT, resize):
        place.now += 1
        journal.intend(lease, mutation)
        journal.done(lease, mutation, "done")
    place.now += 1
    journal.enter(lease, BAKING)
    journal.ask(replace(WISH, at=place.now + 1))
    events = RuntimeTable(place.session, place.environment).events(datetime.fromtimestamp(START, UTC))
    assert [(event.actor, event.action, event.target) for event in events] == [
        (ANN, "Rollout", "chat"),
        (ANN, "SetWeights", "chat"),
        (ANN, "Resize", "chat"),
        (ANN, "Rollout", "chat"),
        (BOB, "Rollout", "chat"),
    ]
    assert [event.result for event in events[1:]] == [
        "blue 75, green 25: done",
        "llmctl-x-chat-green-spot: 1 replicas, at least 1: done",
        "baking, 25 % of the traffic",
        "asked: pause",
    ]


def test_lines_of_the_story_expire_and_leases_do_not(journal: TableJournal, place: Place) -> None:
    """Only lines carry the table's time-to-live: an expiring lease would take the whole rollout with it."""
    journal.acquire(ANN, SECONDS)
    items = place.session.dynamodb.scan(TableName=names.runtime_table(place.environment))["Items"]
    expiring = {item["pk"]["S"] for item in items if "expires" in item}
    assert expiring == {"journal#chat"}


@contextmanager
def refusing(session: Session, reason: str) -> Iterator[None]:
    """AWS cancels the next transaction for a reason."""
    events: Any = session.bounded.dynamodb.meta.events
    answers = [cancelled(reason)]
    handler = "before-call.dynamodb.TransactWriteItems"

    def answer(**_: object) -> object:
        return answers.pop() if answers else None

    events.register_first(handler, answer)
    try:
        yield
    finally:
        events.unregister(handler, answer)


def cancelled(reason: str) -> object:
    """What botocore makes of a cancelled transaction."""
    return AWSResponse("", 400, HTTPHeaders(), None), {
        "Error": {"Code": "TransactionCanceledException", "Message": f"[{reason}]"},
        "ResponseMetadata": {"HTTPStatusCode": 400},
        "CancellationReasons": [{"Code": reason}, {"Code": "None"}],
    }


def at_once(count: int, act: Callable[[int], object]) -> list[object]:
    """What comes of doing something in several threads that start together."""
    barrier = threading.Barrier(count)

    def run(number: int) -> object:
        barrier.wait()
        try:
            return act(number)
        except LlmctlError as error:
            return error

    with ThreadPoolExecutor(max_workers=count) as pool:
        return list(pool.map(run, range(count)))
