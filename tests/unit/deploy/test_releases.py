"""What `deploy` does about a release that waits."""

from dataclasses import replace

import pytest

from infra.deploy.observe import interpret, read
from infra.deploy.releases import Before, Begin, Drive, Leave, Move, move
from infra.deploy.types import Live, Rollout
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from infra.errors import ExitCode, LlmctlError
from infra.rollout.ports import Record
from infra.rollout.types import Cause, Phase, Plan, Size, Status
from tests.fakes.deploy import START, FakeBalancer, FakeFleet, FakeRuntime

PLAN = Plan(
    id="20261122T120000Z-1a2b",
    model="chat",
    old_slot=Slot.BLUE,
    old_release=1,
    new_slot=Slot.GREEN,
    new_release=2,
    strategy="canary",
    steps=(),
    gates=(),
    baseline={market: Size(minimum=1, desired=1) for market in Market},
    surge=None,
    capacity_timeout=60,
    propagation=0,
    patience=60,
    inconclusive="pause",
    keep_previous=60,
    watchdog=60,
    judge_every=5,
)
FORWARD = (Phase.PREPARING, Phase.SCALING, Phase.SHIFTING, Phase.BAKING, Phase.PAUSED)
BACK = (Phase.RESTORING, Phase.RETURNING, Phase.CLEARING)


def rollout(phase: Phase, *, release: int = 2, driver: str = "") -> Rollout:
    """A rollout to a release."""
    status = Status(phase=phase, since=START.timestamp(), weight=50, reason="said so")
    return Rollout(plan=replace(PLAN, new_release=release), status=status, driver=driver)


def past(phase: Phase, old: int, new: int, cause: Cause | None = None) -> Record:
    """A rollout that is over."""
    status = Status(phase=phase, since=0, cause=cause, reason="p95 was worse")
    return Record(
        plan=replace(PLAN, old_release=old, new_release=new),
        status=status,
        request=None,
        intent="",
        lease=None,
    )


class Deployed:
    """`chat` is live with release 1; another one may wait."""

    def __init__(self, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime) -> None:
        self.fleet, self.balancer, self.runtime = fleet, balancer, runtime
        runtime.live_by_model["chat"] = Live(slot=Slot.BLUE, release=1, since=START)

    def move(self, newest: int, *history: Record, retry: bool = False) -> Move | None:
        """What deploy does with this newest release."""
        self.fleet.releases["chat"] = newest
        return move("chat", read(self.fleet, self.balancer, self.runtime), history, retry=retry)

    def goes_on(self, found: Rollout) -> None:
        """A rollout is there."""
        self.runtime.rollout_by_model["chat"] = found


@pytest.fixture
def deployed(fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime) -> Deployed:
    """Release 1 of `chat` is live in blue."""
    return Deployed(fleet, balancer, runtime)


def test_a_new_release_is_rolled_out(deployed: Deployed) -> None:
    """What Terraform added reaches traffic, and only once."""
    assert deployed.move(2) == Begin("chat", 2)
    assert deployed.move(1) is None


def test_a_model_that_is_live_nowhere_has_no_rollout(deployed: Deployed) -> None:
    """Its first release goes live without one."""
    deployed.runtime.live_by_model.clear()
    assert deployed.move(1) is None


@pytest.mark.parametrize("phase", [Phase.DONE, Phase.ROLLED_BACK])
def test_a_rollout_that_ended_is_no_obstacle(deployed: Deployed, phase: Phase) -> None:
    """Only what goes on counts."""
    deployed.goes_on(rollout(phase))
    assert deployed.move(3) == Begin("chat", 3)


@pytest.mark.parametrize("phase", FORWARD + BACK)
def test_what_nobody_drives_is_driven_on(deployed: Deployed, phase: Phase) -> None:
    """A deploy after a crash completes what the first one began, in whichever direction."""
    deployed.goes_on(rollout(phase))
    assert deployed.move(2) == Drive("chat")


@pytest.mark.parametrize("phase", FORWARD)
def test_a_driver_may_be_dead_and_may_be_alive(deployed: Deployed, phase: Phase) -> None:
    """The lease of one that was killed runs on for a while: only trying tells, so it is tried."""
    deployed.goes_on(rollout(phase, driver="bob@desk 7"))
    assert deployed.move(2) == Drive("chat", "bob@desk 7")


@pytest.mark.parametrize("phase", FORWARD)
def test_a_second_release_waits_for_the_first(deployed: Deployed, phase: Phase) -> None:
    """Two releases on their way at once would be judged against each other."""
    deployed.goes_on(rollout(phase))
    with pytest.raises(LlmctlError, match="release 3 waits") as raised:
        deployed.move(3)
    assert raised.value.code is ExitCode.CONFLICT


def test_warm_replicas_make_room_for_the_next_release(deployed: Deployed) -> None:
    """A slot that is only kept for comfort doesn't stop a deploy."""
    deployed.runtime.live_by_model["chat"] = Live(slot=Slot.GREEN, release=2, since=START)
    deployed.goes_on(rollout(Phase.KEEPING))
    assert deployed.move(2) is None
    assert deployed.move(3) == Begin("chat", 3, Before.FINISH)
    deployed.goes_on(rollout(Phase.DRAINING))
    assert deployed.move(2) is None
    assert deployed.move(3) == Begin("chat", 3, Before.DRIVE)


@pytest.mark.parametrize("phase", BACK)
def test_a_fix_follows_a_rollback_that_is_not_over(deployed: Deployed, phase: Phase) -> None:
    """First everything goes back, then the fix comes."""
    deployed.goes_on(rollout(phase))
    assert deployed.move(3) == Begin("chat", 3, Before.DRIVE)


@pytest.mark.parametrize(
    ("cause", "code"),
    [(Cause.GATE, ExitCode.ROLLED_BACK), (Cause.CAPACITY, ExitCode.ROLLED_BACK), (Cause.USER, ExitCode.OK)],
)
def test_what_was_rolled_back_does_not_come_again(deployed: Deployed, cause: Cause, code: ExitCode) -> None:
    """A scheduled deploy must not try the same bad release every night; who insists, can."""
    history = past(Phase.ROLLED_BACK, 1, 2, cause)
    found = deployed.move(2, history)
    assert isinstance(found, Leave)
    assert found.code is code
    assert "p95 was worse" in found.why
    assert deployed.move(2, history, retry=True) == Begin("chat", 2)
    assert deployed.move(3, history) == Begin("chat", 3)


def test_a_rollback_by_rollout_holds_while_replicas_are_kept(deployed: Deployed) -> None:
    """Who went back from release 2 to 1 doesn't want the next deploy to go forward again."""
    deployed.goes_on(replace(rollout(Phase.KEEPING, release=1), driver=""))
    history = (past(Phase.KEEPING, 2, 1), past(Phase.DONE, 1, 2))
    assert isinstance(deployed.move(2, *history), Leave)


def test_status_tells_of_a_rollout_until_it_ends(
    environment: Environment, fleet: FakeFleet, balancer: FakeBalancer, runtime: FakeRuntime
) -> None:
    """Where it is, since when, and who drives it."""
    runtime.rollout_by_model["chat"] = rollout(Phase.BAKING, driver="bob@desk 7")
    told = interpret(environment, read(fleet, balancer, runtime)).models[0].rollout
    assert told is not None
    assert (told.phase, told.since, told.weight, told.driver) == (Phase.BAKING, START, 50, "bob@desk 7")
    assert (told.old_release, told.new_release) == (1, 2)
    runtime.rollout_by_model["chat"] = rollout(Phase.DONE)
    assert interpret(environment, read(fleet, balancer, runtime)).models[0].rollout is None
