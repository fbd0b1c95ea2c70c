"""A whole rollout over the real adapters: every move reaches AWS, and every look comes from there."""

import pytest

from infra.aws.session import Session
from infra.environment.model import Environment
from infra.environment.slots import Slot
from infra.rollout.controller import drive
from infra.rollout.ports import World
from infra.rollout.types import Asked, Phase, Request
from tests.functional.rollout.drives import deployed, healthy, plan
from tests.functional.rollout.journals import FIRST, START


@pytest.fixture
def world(session: Session, environment: Environment) -> World:
    """`chat` serves release 1 with four replicas, and release 2 is there."""
    return deployed(session, environment)


def test_a_release_takes_over_and_the_old_one_drains(world: World) -> None:
    """The new slot serves alone in the end, recorded as live, and the story says how it went."""
    world.journal.begin(plan(), FIRST)
    kept = drive(world, "ann@laptop 7", watch=lambda _: None)
    assert kept.phase is Phase.KEEPING
    assert world.traffic.weights() == {Slot.BLUE: 0, Slot.GREEN: 100}
    assert healthy(world) == {Slot.BLUE: 4, Slot.GREEN: 4}
    assert world.records.live() is Slot.GREEN
    world.clock.sleep(301)
    assert drive(world, "watchdog", watch=lambda _: None).phase is Phase.DONE
    assert healthy(world) == {Slot.BLUE: 0, Slot.GREEN: 4}
    record = world.journal.read()
    assert record is not None
    assert (record.intent, record.lease) == ("", None)
    assert {one.release for one in world.fleet.replicas()} == {2}
    intents = [entry.text for entry in world.journal.entries() if entry.kind == "intent"]
    outcomes = [entry for entry in world.journal.entries() if entry.kind == "outcome"]
    assert len(outcomes) == len(intents)
    assert "blue 75, green 25" in intents


def test_an_abort_leads_back(world: World) -> None:
    """All is as it was before when somebody says so, and the request is carried out once."""
    world.journal.begin(plan(), FIRST)
    world.journal.ask(Request(id="r1", asked=Asked.PAUSE, by="bob", at=START))
    aborted: list[bool] = []

    def watch(_: object) -> None:
        record = world.journal.read()
        if record and record.status.phase is Phase.PAUSED and not aborted:
            aborted.append(True)
            world.journal.ask(Request(id="r2", asked=Asked.ABORT, by="bob", at=START + 9))

    assert drive(world, "ann@laptop 7", watch=watch).phase is Phase.ROLLED_BACK
    assert world.traffic.weights() == {Slot.BLUE: 100, Slot.GREEN: 0}
    assert healthy(world) == {Slot.BLUE: 4, Slot.GREEN: 0}
    assert world.records.live() is Slot.BLUE
