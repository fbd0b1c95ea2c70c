"""Two drivers at once: whoever lost the lease stops before its next change, wherever that happens."""

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from infra.rollout.errors import HeldError, LeaseLostError
from infra.rollout.types import Phase
from tests.fakes.rollout import FakeWorld, fake_world
from tests.fakes.rollout_points import CHANGES, Points, tapped
from tests.unit.rollout.stories import STORIES, check, end_of, quick, run
from tests.unit.rollout.test_kill import undisturbed

STALL = 200.0
"""Seconds that a driver stands still for: longer than any lease."""
ON_THEIR_WAY = {f"before {change}" for change in CHANGES}
"""Where a stalled driver has checked all it can."""


@pytest.mark.parametrize("name", STORIES)
def test_a_driver_that_was_overtaken_changes_nothing_more(name: str) -> None:
    """It stalls at any place, another drives a while, and the first one stops when it wakes up.

    A call to AWS that is already on its way when its driver stalls can't be called back: one such change may
    land, and is seen by the next driver.
    """
    expected, places = undisturbed(STORIES[name])
    for number, place in enumerate(places):
        world = STORIES[name].world()
        changes: list[int] = []

        stopped = False
        try:
            run(tapped(world, Points(at=overtaken(world, number, changes))))
        except LeaseLostError:
            stopped = True
        # Only who had no lease yet may drive on; the others stop, or had nothing left to do.
        assert stopped or place == "before acquire" or world.changes == changes[0], place
        if place in ON_THEIR_WAY:
            assert world.changes - changes[0] <= 1
            continue
        assert not stopped or world.changes == changes[0], place
        check(world)
        run(world, "third@host 3")
        assert end_of(world) == expected, f"overtaken {place} ({number})"


def test_an_overtaken_driver_stops_at_its_next_look() -> None:
    """Also while it only waits: nobody is told by two drivers."""
    world = fake_world(quick())

    def overtake() -> None:
        assert world.journal.current
        world.journal.current = replace(world.journal.current, lease=None)
        world.journal.acquire("second@host 2", 60.0)

    began = world.clock.time()
    world.clock.at(began + 20.5, overtake)
    with pytest.raises(LeaseLostError):
        run(world)
    assert world.clock.time() - began <= 22.0


def overtaken(world: FakeWorld, number: int, changes: list[int]) -> Callable[[int, str], None]:
    """Stalls a driver at a place; meanwhile another drives a while, and the changes so far are noted."""

    def at(reached: int, _name: str) -> None:
        if reached == number:
            world.clock.sleep(STALL)
            run(world, "second@host 2", deadline=world.clock.time() + 15.0)
            changes.append(world.changes)

    return at


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("seed", range(6))
def test_drivers_that_alternate_anywhere_make_one_rollout(name: str, seed: int) -> None:
    """Two drivers take turns at random places, with stalls: only the holder of the lease changes things."""
    expected, _ = undisturbed(STORIES[name])
    world = STORIES[name].world()
    turns = Turns(world, random.Random(seed))
    turns.race(["first@host 1", "second@host 2"])
    assert turns.errors == []
    assert end_of(world) == expected


class Turns:
    """Runs drivers in threads of which one moves at a time; a seeded coin says who, at every place."""

    def __init__(self, world: FakeWorld, coin: random.Random) -> None:
        self.errors: list[BaseException] = []
        self._world = world
        self._coin = coin
        self._turn = threading.Condition()
        self._playing: list[str] = []
        self._now: str = ""
        self._places: dict[str, str] = {}

    def race(self, holders: list[str]) -> None:
        """Until the rollout is over for both."""
        self._playing = list(holders)
        self._now = holders[0]
        threads = [threading.Thread(target=self._play, args=(holder,), daemon=True) for holder in holders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60.0)
            assert not thread.is_alive()

    def _play(self, holder: str) -> None:
        self._await(holder)
        try:
            while not self._over():
                with suppress(HeldError, LeaseLostError):
                    run(tapped(self._world, Points(at=self._at(holder))), holder)
        except BaseException as error:  # noqa: BLE001 - a thread's failures are the test's
            self.errors.append(error)
        finally:
            with self._turn:
                self._playing.remove(holder)
                self._now = self._playing[0] if self._playing else ""
                self._turn.notify_all()

    def _over(self) -> bool:
        record = self._world.journal.current
        assert record
        rests = record.status.phase is Phase.KEEPING and record.request is None
        return rests or record.status.phase.ended or bool(self.errors)

    def _at(self, holder: str) -> Callable[[int, str], None]:
        def at(_number: int, name: str) -> None:
            self._places[holder] = name
            if name.startswith("after ") and name.split()[1] in CHANGES:
                record = self._world.journal.current
                assert record
                assert record.lease
                assert record.lease.holder == holder, f"{holder} made a change that {record.lease} may make"
            # A stall while a call is on its way is the one thing that no lease prevents.
            if not ON_THEIR_WAY & set(self._places.values()) and self._coin.random() < 0.02:
                self._world.clock.sleep(STALL)
            self._hand_over(holder)

        return at

    def _hand_over(self, holder: str) -> None:
        with self._turn:
            self._now = self._coin.choice(self._playing)
            self._turn.notify_all()
        self._await(holder)

    def _await(self, holder: str) -> None:
        with self._turn:
            assert self._turn.wait_for(lambda: self._now == holder, timeout=60.0)
