"""What the watchdog owes a rollout, phase by phase."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.rollout.ports import Lease, Record
from infra.rollout.types import Asked, Phase, Request, Status
from infra.watchdog.duty import Duty, due
from tests.fakes.rollout import a_plan

NOW = 1_800_000_000.0
PLAN = a_plan(watchdog=900.0, keep_previous=1800.0)
FORWARD = (Phase.PREPARING, Phase.SCALING, Phase.SHIFTING, Phase.BAKING)
SAFE = (Phase.DRAINING, Phase.RESTORING, Phase.RETURNING, Phase.CLEARING)
ENDED = (Phase.DONE, Phase.ROLLED_BACK)


def record(phase: Phase, *, since: float, **changes: object) -> Record:
    """A rollout that has been in a phase for so many seconds, and that nobody holds."""
    status = Status(phase=phase, since=NOW - since)
    made = Record(plan=PLAN, status=status, request=None, intent="", lease=None)
    return replace(made, **changes)  # type: ignore[arg-type]


def lease(until: float) -> Lease:
    """Somebody's, relative to now."""
    return Lease(model="chat", holder="ann@laptop 1", token=3, until=NOW + until)


def wish(asked: Asked, ago: float) -> Request:
    """One that was left so many seconds ago."""
    return Request(id="r", asked=asked, by="ann@laptop", at=NOW - ago)


@pytest.mark.parametrize(
    ("phase", "since", "duty"),
    [
        *((phase, 899, None) for phase in FORWARD),
        *((phase, 900, Duty.ABORT) for phase in FORWARD),
        *((phase, 9, None) for phase in SAFE),
        *((phase, 10, Duty.DRIVE) for phase in SAFE),
        (Phase.PAUSED, 100_000, None),
        (Phase.KEEPING, 1799, None),
        (Phase.KEEPING, 1800, Duty.DRIVE),
        *((phase, 100_000, None) for phase in ENDED),
    ],
)
def test_what_nobody_drives(phase: Phase, since: float, duty: Duty | None) -> None:
    """Each phase has its own patience; a pause and an end have all of it."""
    assert due(record(phase, since=since), NOW) is duty


def test_every_phase_is_in_the_table() -> None:
    """A new phase must say what becomes of it without a driver."""
    assert {*FORWARD, *SAFE, *ENDED, Phase.PAUSED, Phase.KEEPING} == set(Phase)


@given(st.sampled_from(Phase), st.sampled_from([None, *Asked]), st.floats(0, 1e6))
def test_who_drives_is_left_alone(phase: Phase, asked: Asked | None, since: float) -> None:
    """While somebody holds the lease the watchdog has no duty, whatever was asked for."""
    request = wish(asked, 1000) if asked else None
    held = record(phase, since=since, lease=lease(until=1), request=request)
    assert due(held, NOW) is None


def test_silence_counts_from_the_end_of_the_lease() -> None:
    """A bake may be longer than the watchdog's patience: what counts is when its driver was last there."""
    assert due(record(Phase.BAKING, since=5000, lease=lease(until=-899)), NOW) is None
    assert due(record(Phase.BAKING, since=5000, lease=lease(until=-900)), NOW) is Duty.ABORT
    assert due(record(Phase.RETURNING, since=5000, lease=lease(until=-5)), NOW) is None


def test_silence_counts_from_letting_go() -> None:
    """Who interrupts their own driver has as long to come back."""
    assert due(record(Phase.BAKING, since=5000, let_go_at=NOW - 899), NOW) is None
    assert due(record(Phase.BAKING, since=5000, let_go_at=NOW - 900), NOW) is Duty.ABORT


@pytest.mark.parametrize("phase", [phase for phase in Phase if not phase.ended])
def test_an_abort_that_nobody_carried_out(phase: Phase) -> None:
    """A wish to go back outlives the driver that it was left for, a pause included, and keeps its author."""
    left = record(phase, since=60, request=wish(Asked.ABORT, 30))
    assert due(left, NOW) is Duty.DRIVE
    assert due(replace(left, request=wish(Asked.ABORT, 5)), NOW) is None


@pytest.mark.parametrize("asked", [Asked.PROMOTE, Asked.PROMOTE_FULL, Asked.RESUME, Asked.PAUSE])
def test_no_wish_takes_it_forward(asked: Asked) -> None:
    """The watchdog carries out nothing that needs judgement."""
    assert due(record(Phase.PAUSED, since=5000, request=wish(asked, 5000)), NOW) is None
    assert due(record(Phase.BAKING, since=5000, request=wish(asked, 5000)), NOW) is Duty.ABORT


def test_nothing_is_kept_warm_for_a_sleeper() -> None:
    """A model that was asleep had no replicas: the old slot is given up at once."""
    asleep = replace(record(Phase.KEEPING, since=10), plan=replace(PLAN, asleep=True))
    assert due(asleep, NOW) is Duty.DRIVE
