"""What a rollout's journal remembers, and who may write: the table's and the fake, which must not differ."""

import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from infra.aws.session import Session
from infra.environment.slots import Slot
from infra.errors import ExitCode, LlmctlError
from infra.rollout.errors import HeldError, LeaseLostError
from infra.rollout.ports import Journal
from infra.rollout.types import Answer, Asked, Cause, Phase, Request, SetWeights, Status, Verdict
from tests.functional.rollout.journals import FIRST, SECONDS, START, Memory, Place, a_plan, record_of

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


@pytest.fixture(params=["table", "memory"])
def place(session: Session, request: pytest.FixtureRequest) -> Place | Memory:
    """An empty place of the test's own."""
    if request.param == "memory":
        return Memory()
    found = Place(session, f"journal-{zlib.crc32(request.node.name.encode())}")
    found.create()
    return found


@pytest.fixture
def journal(place: Place | Memory) -> Journal:
    """A journal in which a rollout has begun."""
    made = place.journal()
    made.begin(a_plan(), FIRST)
    return made


def wish(number: int, asked: Asked = Asked.PAUSE) -> Request:
    """A request of its own id."""
    return Request(id=f"r{number}", asked=asked, by=BOB, at=START + number)


def test_what_was_begun_is_read(journal: Journal) -> None:
    """Plan and status come back exactly, without a driver, a wish or an intent."""
    record = record_of(journal)
    assert (record.plan, record.status) == (a_plan(), FIRST)
    assert (record.request, record.intent, record.lease, record.let_go_at) == (None, "", None, None)
    (entry,) = journal.entries()
    assert (entry.kind, entry.actor, entry.status) == ("began", ANN, FIRST)


def test_a_second_rollout_has_to_wait(journal: Journal, place: Place | Memory) -> None:
    """While one goes on no other begins, the old replicas' last wait included."""
    lease = journal.acquire(ANN, SECONDS)
    for phase in (Phase.PREPARING, Phase.KEEPING, Phase.CLEARING):
        journal.enter(lease, replace(BAKING, phase=phase))
        with pytest.raises(LlmctlError) as caught:
            place.journal().begin(a_plan(2), FIRST)
        assert caught.value.code is ExitCode.CONFLICT
    journal.enter(lease, OVER)
    journal.begin(a_plan(2), FIRST)
    assert [record.plan.new_release for record in journal.history()] == [3, 2]


def test_a_lease_keeps_others_out_until_it_ends(journal: Journal, place: Place | Memory) -> None:
    """Another driver hears who drives and for how long; afterwards it gets a higher token."""
    first = journal.acquire(ANN, SECONDS)
    place.now += 50
    with pytest.raises(HeldError, match=r"ann@laptop 7 drives .* another 10 s"):
        place.journal().acquire(BOB, SECONDS)
    place.now += 10
    second = place.journal().acquire(BOB, SECONDS)
    assert second.token > first.token
    assert [entry.actor for entry in journal.entries() if entry.kind == "lease"] == [ANN, BOB]


def test_who_lost_the_lease_writes_nothing(journal: Journal, place: Place | Memory) -> None:
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


def test_a_lease_that_ran_out_is_renewed_before_it_is_used(journal: Journal, place: Place | Memory) -> None:
    """After a nap the driver may go on if nobody took over, but not with what it saw before the nap."""
    lease = journal.acquire(ANN, SECONDS)
    place.now += SECONDS
    with pytest.raises(LeaseLostError):
        journal.intend(lease, SHIFT)
    lease = journal.renew(lease, SECONDS)
    journal.intend(lease, SHIFT)
    assert lease.until == place.now + SECONDS


def test_the_same_driver_takes_its_lease_again(journal: Journal) -> None:
    """The watchdog, cut off and called again, need not wait for itself; what it was before is fenced off."""
    first = journal.acquire("watchdog", SECONDS)
    second = journal.acquire("watchdog", SECONDS)
    journal.enter(second, BAKING)
    with pytest.raises(LeaseLostError):
        journal.enter(first, FIRST)


def test_who_lets_go_leaves_the_time(journal: Journal, place: Place | Memory) -> None:
    """The next driver need not wait, and the watchdog knows since when nobody drives."""
    lease = journal.acquire(ANN, SECONDS)
    place.now += 7
    journal.let_go(lease)
    record = record_of(journal)
    assert (record.lease, record.let_go_at) == (None, START + 7)
    place.journal().acquire(BOB, SECONDS)
    assert record_of(journal).let_go_at is None


def test_an_intent_stays_until_its_outcome_is_known(journal: Journal, place: Place | Memory) -> None:
    """Who resumes sees what its predecessor was about to change."""
    lease = journal.acquire(ANN, SECONDS)
    journal.intend(lease, SHIFT)
    assert record_of(place.journal()).intent == str(SHIFT)
    place.now += 1
    journal.done(lease, SHIFT, "done")
    assert record_of(journal).intent == ""
    told = [(entry.kind, entry.text) for entry in journal.entries()][-2:]
    assert told == [("intent", str(SHIFT)), ("outcome", f"{SHIFT}: done")]


def test_an_intent_that_a_dead_driver_left_is_noted_and_forgotten(
    journal: Journal, place: Place | Memory
) -> None:
    """Who resumes writes down that the outcome is unknown, and begins without it."""
    journal.intend(journal.acquire(ANN, SECONDS), SHIFT)
    place.now += SECONDS
    lease = journal.acquire(BOB, SECONDS)
    journal.note(lease, "the outcome is unknown")
    assert record_of(journal).intent == ""
    assert [(entry.kind, entry.actor) for entry in journal.entries()][-1] == ("note", BOB)


def test_a_handled_wish_is_over_and_another_is_not(journal: Journal, place: Place | Memory) -> None:
    """Entering a phase ends the request that led to it; one that was left meanwhile still waits."""
    lease = journal.acquire(ANN, SECONDS)
    place.journal().ask(wish(1))
    assert record_of(journal).request == wish(1)
    journal.enter(lease, replace(BAKING, handled="r1"))
    assert record_of(journal).request is None
    place.journal().ask(wish(2, Asked.ABORT))
    journal.enter(lease, replace(BAKING, handled="r1"))
    assert record_of(journal).request == wish(2, Asked.ABORT)


def test_the_last_wish_counts(journal: Journal) -> None:
    """A request that still waits is replaced, so that an abort is not stuck behind a pause."""
    journal.ask(wish(1))
    journal.ask(wish(2, Asked.ABORT))
    assert record_of(journal).request == wish(2, Asked.ABORT)


def test_nothing_is_asked_of_a_rollout_that_is_over(journal: Journal) -> None:
    """A wish that nobody would carry out is refused, and the next rollout does not inherit one."""
    journal.ask(wish(1))
    journal.enter(journal.acquire(ANN, SECONDS), OVER)
    with pytest.raises(LlmctlError) as caught:
        journal.ask(wish(2))
    assert caught.value.code is ExitCode.REFUSED
    journal.begin(a_plan(2), FIRST)
    assert record_of(journal).request is None


def test_the_next_rollout_takes_every_lease_away(journal: Journal) -> None:
    """A driver of the last rollout that still lives can't write into the next one."""
    lease = journal.acquire(ANN, SECONDS)
    journal.enter(lease, OVER)
    journal.begin(a_plan(2), FIRST)
    with pytest.raises(LeaseLostError):
        journal.enter(lease, BAKING)
    assert journal.acquire(BOB, SECONDS).token > lease.token


def test_verdicts_are_kept_for_the_report(journal: Journal, place: Place | Memory) -> None:
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


def test_history_knows_how_each_rollout_ended(journal: Journal) -> None:
    """Old rollouts keep plan and last status; the current one has all that is known of it."""
    first = journal.acquire(ANN, SECONDS)
    journal.enter(first, OVER)
    journal.begin(a_plan(2), FIRST)
    second = journal.acquire(BOB, SECONDS)
    newest, oldest = journal.history()
    assert (newest.plan, newest.status, newest.lease) == (a_plan(2), FIRST, second)
    assert (oldest.plan, oldest.status, oldest.lease) == (a_plan(), OVER, None)
