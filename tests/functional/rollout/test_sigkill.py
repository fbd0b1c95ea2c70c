"""Drivers that are processes, killed at each place where one can be: whoever comes next goes on."""

import multiprocessing
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import pytest

from infra.aws.session import Session
from infra.environment.model import Environment
from infra.environment.slots import Slot
from infra.rollout.controller import drive
from infra.rollout.ports import World
from infra.rollout.types import Phase
from tests.fakes.rollout_points import CHANGES, Points, tapped
from tests.functional.rollout.conftest import VARIABLES
from tests.functional.rollout.drives import deployed, healthy, plan, seen_by_a_driver
from tests.functional.rollout.journals import FIRST, SECONDS

FORKS = multiprocessing.get_context("forkserver")
"""Children of a process that has loaded boto3 already start in a moment."""
FORKS.set_forkserver_preload(["boto3", __name__])
MOST = 400
"""Drivers; far more than there are places."""


@dataclass
class Afar:
    """The time of a cloud in another process."""

    line: Connection
    now: float

    def time(self) -> float:
        """The time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass over there."""
        self.line.send(("sleep", seconds))
        self.now = self.line.recv()

    def stop_at(self, _: int, place: str) -> None:
        """Wait for leave to go on; it may not come."""
        self.line.send(("place", place))
        self.line.recv()


def drive_afar(line: Connection, url: str, environment: str, now: float, name: str) -> None:
    """What the child does: drive the rollout, and say where it is."""
    session = Session("us-east-1", {**VARIABLES, "AWS_ENDPOINT_URL": url})
    clock = Afar(line, now)
    world = tapped(seen_by_a_driver(session, environment, clock), Points(at=clock.stop_at))
    line.send(("ended", drive(world, name, watch=lambda _: None).phase))


@dataclass
class Killer:
    """Lets drivers go on until they come to a place where none was killed yet."""

    world: World
    url: str
    environment: str
    places: set[tuple[str, str, str]] = field(default_factory=set)
    """Where one was killed: the phase, what was announced, and before or after what."""

    def run(self, name: str) -> Phase | None:
        """Start a driver and watch it to its end; None: it was killed."""
        here, there = FORKS.Pipe()
        arguments = (there, self.url, self.environment, self.world.clock.time(), name)
        driver = FORKS.Process(target=drive_afar, args=arguments, daemon=True)
        driver.start()
        there.close()
        try:
            return self._listen(here)
        finally:
            driver.kill()
            driver.join()
            driver.close()
            here.close()

    def _listen(self, line: Connection) -> Phase | None:
        while True:
            kind, said = line.recv()
            if kind == "ended":
                return Phase(said)
            if kind == "sleep":
                self.world.clock.sleep(said)
                line.send(self.world.clock.time())
            elif self._is_new(said):
                return None
            else:
                line.send("go on")

    def _is_new(self, name: str) -> bool:
        record = self.world.journal.read()
        assert record is not None
        place = (record.status.phase, record.intent, name)
        found = place not in self.places
        self.places.add(place)
        return found


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_driver_is_killed_at_every_place(session: Session, environment: Environment) -> None:
    """One SIGKILL before and after each write and each change: the rollout ends as if nobody had died."""
    world = deployed(session, environment)
    world.journal.begin(plan(), FIRST)
    killer = Killer(world, session.elbv2.meta.endpoint_url, environment.environment)
    phase = None
    for number in range(MOST):
        if phase := killer.run(f"driver@host {number}"):
            break
        assert sum(healthy(world).values()) >= 4
        world.clock.sleep(SECONDS + 1)
    assert phase is Phase.DONE
    assert world.traffic.weights() == {Slot.BLUE: 0, Slot.GREEN: 100}
    assert healthy(world) == {Slot.BLUE: 0, Slot.GREEN: 4}
    assert world.records.live() is Slot.GREEN
    killed = {name for _, _, name in killer.places}
    changes = CHANGES - {"move"}  # this model has no schedules
    assert {f"{when} {change}" for when in ("before", "after") for change in changes} <= killed
