"""What people ask for in any phase: it is carried out or has no effect, and the rollout ends sensibly."""

import pytest

from infra.rollout.controller import drive
from infra.rollout.types import Asked, Phase, Progress, Step
from tests.fakes.rollout import FakeWorld, fake_world
from tests.unit.rollout.stories import BROKEN, ask, check, quick, run

FORWARD = (Phase.PREPARING, Phase.SCALING, Phase.SHIFTING, Phase.BAKING)
AHEAD = (*FORWARD, Phase.PAUSED, Phase.KEEPING, Phase.DRAINING)
BACK = (Phase.RESTORING, Phase.RETURNING, Phase.CLEARING)


class ReachedError(Exception):
    """The rollout is in the phase that the test is about."""


def reach(phase: Phase) -> FakeWorld:
    """A rollout that has just entered a phase, and that nobody drives."""
    steps = tuple(Step(weight=weight, bake=12.0, pause=weight == 25) for weight in (5, 25, 50, 100))
    world = (
        fake_world(quick(), new=BROKEN) if phase.back else fake_world(quick(keep_previous=60.0, steps=steps))
    )

    def watch(progress: Progress) -> None:
        if progress.status.phase is phase:
            raise ReachedError
        if progress.status.phase is Phase.PAUSED and progress.seen and not progress.seen.request:
            ask(world, Asked.PROMOTE)

    try:
        while drive(world, "first@host 1", watch=watch).phase is not phase:
            world.clock.sleep(61.0)
    except ReachedError:
        pass
    assert world.status.phase is phase
    return world


def go_on(world: FakeWorld) -> Phase:
    """Drive for minutes; where the rollout is then."""
    phase = run(world, "second@host 2", deadline=world.clock.time() + 400.0).phase
    check(world)
    assert world.journal.current
    assert world.journal.current.request is None
    return phase


@pytest.mark.parametrize("phase", [*AHEAD, *BACK])
def test_aborting_ends_with_the_old_release_whatever_the_phase(phase: Phase) -> None:
    """Also while the old slot is already being drained, and on the way back anyway."""
    world = reach(phase)
    ask(world, Asked.ABORT)
    assert go_on(world) is Phase.ROLLED_BACK


@pytest.mark.parametrize("phase", BACK)
@pytest.mark.parametrize("asked", Asked)
def test_nothing_stops_a_rollback(phase: Phase, asked: Asked) -> None:
    """No wish keeps traffic on a release that failed."""
    world = reach(phase)
    ask(world, asked)
    assert go_on(world) is Phase.ROLLED_BACK


@pytest.mark.parametrize("phase", FORWARD)
def test_pausing_holds_the_rollout_until_it_is_resumed(phase: Phase) -> None:
    """A pause during a short phase waits for its end; resuming goes on to the step's own pause."""
    world = reach(phase)
    ask(world, Asked.PAUSE)
    assert go_on(world) is Phase.PAUSED
    weight = world.status.weight
    assert go_on(world) is Phase.PAUSED
    assert world.status.weight == weight
    ask(world, Asked.RESUME)
    assert go_on(world) is Phase.PAUSED
    assert world.status.weight == 25


@pytest.mark.parametrize("phase", [*FORWARD, Phase.PAUSED])
def test_full_promotion_passes_every_pause(phase: Phase) -> None:
    """From anywhere on the way, the last step is the next; it is baked and judged all the same."""
    world = reach(phase)
    ask(world, Asked.PROMOTE_FULL)
    assert go_on(world) is Phase.KEEPING
    baked = [
        each.status.weight for each in world.journal.of_kind("phase") if each.status and each.text == "baking"
    ]
    assert baked[-1] == 100
    assert len(baked) < 4


@pytest.mark.parametrize("asked", [Asked.PROMOTE, Asked.RESUME])
def test_a_pause_after_a_step_ends_with_a_word(asked: Asked) -> None:
    """Promoting or resuming goes on with the next step."""
    world = reach(Phase.PAUSED)
    ask(world, asked)
    assert go_on(world) is Phase.KEEPING


@pytest.mark.parametrize("asked", [Asked.RESUME, Asked.FINISH])
@pytest.mark.parametrize("phase", FORWARD)
def test_wishes_that_do_not_fit_have_no_effect(phase: Phase, asked: Asked) -> None:
    """The rollout goes on to its pause as if nothing had been asked."""
    world = reach(phase)
    ask(world, asked)
    assert go_on(world) is Phase.PAUSED
    assert world.status.weight == 25


def test_finishing_gives_up_the_old_replicas_at_once() -> None:
    """Another rollout wants the slot: the old release is drained before its time."""
    world = reach(Phase.KEEPING)
    ask(world, Asked.FINISH)
    assert go_on(world) is Phase.DONE


@pytest.mark.parametrize("asked", [Asked.PAUSE, Asked.RESUME, Asked.PROMOTE, Asked.PROMOTE_FULL])
@pytest.mark.parametrize("phase", [Phase.KEEPING, Phase.DRAINING])
def test_what_is_live_can_not_be_promoted_again(phase: Phase, asked: Asked) -> None:
    """After the last step these wishes change nothing."""
    world = reach(phase)
    ask(world, asked)
    assert go_on(world) is (Phase.KEEPING if phase is Phase.KEEPING else Phase.DONE)


def test_a_promotion_does_not_overrule_a_failing_gate() -> None:
    """Whoever promotes a release with errors gets a rollback."""
    world = reach(Phase.BAKING)
    assert world.metrics
    world.metrics.new = BROKEN
    world.clock.at(world.clock.time() + 9.0, lambda: ask(world, Asked.PROMOTE_FULL))
    assert go_on(world) is Phase.ROLLED_BACK
