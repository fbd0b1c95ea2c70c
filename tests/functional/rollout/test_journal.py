"""The journal in the runtime table: what it remembers, and who may write."""

import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from infra.aws.rollout_journal import TableJournal
from infra.aws.runtime_table import RuntimeTable
from infra.aws.session import Session
from infra.environment import names
from infra.environment.slots import Slot
from infra.errors import ExitCode, LlmctlError, Refused
from infra.rollout.errors import HeldError, LeaseLostError
from infra.rollout.ports import Lease
from infra.rollout.types import Answer, Asked, Cause, Phase, Request, Resize, SetWeights, Status, Verdict
from tests.functional.rollout.journals import FIRST, SECONDS, START, Place, a_plan

ANN, BOB = "ann@laptop 7", "bob@desk 9"
SHIFT = SetWeights(weights={Slot.BLUE: 75, Slot.GREEN: 25})
BAKING = Status(phase=Phase.BAKING, since=START + 5, weight=25, shifted_at=START + 4)
OVER = Status(phase=Phase.DONE, since=START + 9, weight=100)
SLOW = Verdict(
    gate="latency_p95",
    answer=Answer.FAIL,
    new=2.0,
    old=1.0,
    limit=1.2,
    samples=400,
    unit="seconds",
    why="p95 of latency 2.00 s against 1.00 s (limit 1.20 s), 400 requests",
)


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


def wish(number: int, asked: Asked = Asked.PAUSE) -> Request:
    """A request of its own id."""
    return Request(id=f"r{number}", asked=asked, by=BOB, at=START + number)


def test_nothing_is_remembered_at_first(session: Session) -> None:
    """No table, no item: no rollout, no story, and no error."""
    place = Place(session, "no-table")
    journal = place.journal()
    assert (journal.read(), journal.entries(), journal.history()) == (None, (), ())
    place.create()
    assert (journal.read(), journal.entries(), journal.history()) == (None, (), ())
    with pytest.raises(Refused, match="no rollout goes on"):
        journal.acquire(ANN, SECONDS)


def test_what_was_begun_is_read(journal: TableJournal) -> None:
    """Plan and status come back exactly, without a driver, a wish or an intent."""
    record = journal.read()
    assert record is not None
    assert (record.plan, record.status) == (a_plan(), FIRST)
    assert (record.request, record.intent, record.lease, record.let_go_at) == (None, "", None, None)
    (entry,) = journal.entries()
    assert (entry.kind, entry.actor, entry.status) == ("began", ANN, FIRST)


def test_a_second_rollout_has_to_wait(journal: TableJournal, place: Place) -> None:
    """While one goes on, no other begins, and the refusal says which one and where it is."""
    with pytest.raises(LlmctlError, match="release 2 is not over: preparing") as caught:
        place.journal().begin(a_plan(2), FIRST)
    assert caught.value.code is ExitCode.CONFLICT
    lease = journal.acquire(ANN, SECONDS)
    journal.enter(lease, Status(phase=Phase.KEEPING, since=START, weight=100))
    with pytest.raises(LlmctlError, match="keeping") as caught:
        journal.begin(a_plan(2), FIRST)
    assert "rollback" in caught.value.hint
    journal.enter(lease, OVER)
    journal.begin(a_plan(2), FIRST)
    assert [record.plan.new_release for record in journal.history()] == [3, 2]


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
    record = journal.read()
    assert record is not None
    assert record.lease == leases[0]


def test_a_lease_keeps_others_out_until_it_ends(journal: TableJournal, place: Place) -> None:
    """Another driver hears who drives and for how long; afterwards it gets a higher token."""
    first = journal.acquire(ANN, SECONDS)
    place.now += 50
    with pytest.raises(HeldError, match=r"ann@laptop 7 drives .* another 10 s"):
        place.journal().acquire(BOB, SECONDS)
    place.now += 10
    second = place.journal().acquire(BOB, SECONDS)
    assert second.token > first.token
    assert [entry.actor for entry in journal.entries() if entry.kind == "lease"] == [ANN, BOB]


def test_who_lost_the_lease_writes_nothing(journal: TableJournal, place: Place) -> None:
    """A driver that slept too long changes neither the rollout nor its story, whatever it tries."""
    lost = journal.acquire(ANN, SECONDS)
    place.now += SECONDS
    other = place.journal()
    other.acquire(BOB, SECONDS)
    before = (other.read(), other.entries(), other.history())
    attempts: tuple[Callable[[], object], ...] = (
        lambda: journal.renew(lost, SECONDS),
        lambda: journal.enter(lost, BAKING),
        lambda: journal.intend(lost, SHIFT),
        lambda: journal.done(lost, SHIFT, "done"),
        lambda: journal.note(lost, "still here"),
        lambda: journal.judged(lost, BAKING, [SLOW]),
    )
    for attempt in attempts:
        with pytest.raises(LeaseLostError):
            attempt()
    journal.let_go(lost)
    assert (other.read(), other.entries(), other.history()) == before


def test_a_lease_that_ran_out_is_renewed_before_it_is_used(journal: TableJournal, place: Place) -> None:
    """After a nap the driver may go on if nobody took over, but not with what it saw before the nap."""
    lease = journal.acquire(ANN, SECONDS)
    place.now += SECONDS
    with pytest.raises(LeaseLostError):
        journal.intend(lease, SHIFT)
    lease = journal.renew(lease, SECONDS)
    journal.intend(lease, SHIFT)
    assert lease.until == place.now + SECONDS


def test_the_same_driver_takes_its_lease_again(journal: TableJournal) -> None:
    """The watchdog, cut off and called again, need not wait for itself; what it was before is fenced off."""
    first = journal.acquire("watchdog", SECONDS)
    second = journal.acquire("watchdog", SECONDS)
    journal.enter(second, BAKING)
    with pytest.raises(LeaseLostError):
        journal.enter(first, FIRST)


def test_who_lets_go_leaves_the_time(journal: TableJournal, place: Place) -> None:
    """The next driver need not wait, and the watchdog knows since when nobody drives."""
    lease = journal.acquire(ANN, SECONDS)
    place.now += 7
    journal.let_go(lease)
    record = journal.read()
    assert record is not None
    assert (record.lease, record.let_go_at) == (None, START + 7)
    place.journal().acquire(BOB, SECONDS)
    record = journal.read()
    assert record is not None
    assert record.let_go_at is None


def test_an_intent_stays_until_its_outcome_is_known(journal: TableJournal, place: Place) -> None:
    """Who resumes sees what its predecessor was about to change."""
    lease = journal.acquire(ANN, SECONDS)
    journal.intend(lease, SHIFT)
    record = place.journal().read()
    assert record is not None
    assert record.intent == str(SHIFT)
    place.now += 1
    journal.done(lease, SHIFT, "done")
    record = journal.read()
    assert record is not None
    assert record.intent == ""
    told = [(entry.kind, entry.text) for entry in journal.entries()][-2:]
    assert told == [("intent", str(SHIFT)), ("outcome", f"{SHIFT}: done")]


def test_an_intent_that_a_dead_driver_left_is_noted_and_forgotten(
    journal: TableJournal, place: Place
) -> None:
    """Who resumes writes down that the outcome is unknown, and begins without it."""
    journal.intend(journal.acquire(ANN, SECONDS), SHIFT)
    place.now += SECONDS
    lease = journal.acquire(BOB, SECONDS)
    journal.note(lease, "the outcome is unknown")
    record = journal.read()
    assert record is not None
    assert record.intent == ""
    assert [(entry.kind, entry.actor) for entry in journal.entries()][-1] == ("note", BOB)


def test_a_handled_wish_is_over_and_another_is_not(journal: TableJournal, place: Place) -> None:
    """Entering a phase ends the request that led to it; one that was left meanwhile still waits."""
    lease = journal.acquire(ANN, SECONDS)
    place.journal().ask(wish(1))
    record = journal.read()
    assert record is not None
    assert record.request == wish(1)
    journal.enter(lease, replace(BAKING, handled="r1"))
    record = journal.read()
    assert record is not None
    assert record.request is None
    place.journal().ask(wish(2, Asked.ABORT))
    journal.enter(lease, replace(BAKING, handled="r1"))
    record = journal.read()
    assert record is not None
    assert record.request == wish(2, Asked.ABORT)


def test_the_last_wish_counts(journal: TableJournal) -> None:
    """A request that still waits is replaced, so that an abort is not stuck behind a pause."""
    journal.ask(wish(1))
    journal.ask(wish(2, Asked.ABORT))
    record = journal.read()
    assert record is not None
    assert record.request == wish(2, Asked.ABORT)


def test_nothing_is_asked_of_a_rollout_that_is_over(journal: TableJournal) -> None:
    """A wish that nobody would carry out is refused, and the next rollout does not inherit one."""
    journal.ask(wish(1))
    journal.enter(journal.acquire(ANN, SECONDS), OVER)
    with pytest.raises(Refused) as caught:
        journal.ask(wish(2))
    assert "history" in caught.value.hint
    journal.begin(a_plan(2), FIRST)
    record = journal.read()
    assert record is not None
    assert record.request is None


def test_the_next_rollout_takes_every_lease_away(journal: TableJournal) -> None:
    """A driver of the last rollout that still lives can't write into the next one."""
    lease = journal.acquire(ANN, SECONDS)
    journal.enter(lease, OVER)
    journal.begin(a_plan(2), FIRST)
    with pytest.raises(LeaseLostError):
        journal.enter(lease, BAKING)
    assert journal.acquire(BOB, SECONDS).token > lease.token


def test_verdicts_are_kept_for_the_report(journal: TableJournal, place: Place) -> None:
    """Judgements come back with all numbers; the story is that of one rollout, in order."""
    lease = journal.acquire(ANN, SECONDS)
    for _ in range(3):
        place.now += 1
        journal.judged(lease, BAKING, [SLOW])
    failed = replace(BAKING, phase=Phase.RESTORING, cause=Cause.GATE, failed=(SLOW,))
    place.now += 1
    journal.enter(lease, failed)
    entries = journal.entries(a_plan().id)
    assert [entry.kind for entry in entries[-4:]] == ["judged", "judged", "judged", "phase"]
    assert entries[-2].verdicts == (SLOW,)
    assert entries[-1].status == failed
    assert journal.entries("20200101T000000Z-0000") == ()


def test_history_knows_how_each_rollout_ended(journal: TableJournal) -> None:
    """Old rollouts keep plan and last status; the current one has all that is known of it."""
    first = journal.acquire(ANN, SECONDS)
    journal.enter(first, OVER)
    journal.begin(a_plan(2), FIRST)
    second = journal.acquire(BOB, SECONDS)
    newest, oldest = journal.history()
    assert (newest.plan, newest.status, newest.lease) == (a_plan(2), FIRST, second)
    assert (oldest.plan, oldest.status, oldest.lease) == (a_plan(), OVER, None)


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
    journal.ask(replace(wish(1), at=place.now + 1))
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
