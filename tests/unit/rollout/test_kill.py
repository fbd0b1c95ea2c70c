"""Drivers that die anywhere: whoever drives on comes to the end that the undisturbed rollout has."""

from contextlib import suppress

import pytest

from tests.fakes.rollout import FakeWorld
from tests.fakes.rollout_points import CHANGES, Death, Points, dies_at, tapped
from tests.unit.rollout.stories import STORIES, End, Story, check, end_of, run


def checked(world: FakeWorld) -> Points:
    """Nobody dies; at every place all is looked at."""
    return Points(at=lambda _number, _name: check(world))


def undisturbed(story: Story) -> tuple[End, list[str]]:
    """The end that the story has when nobody dies, and all the places on the way."""
    world = story.world()
    points = checked(world)
    assert run(tapped(world, points)).phase is story.end
    assert world.cluster.scheduled is world.cluster.live
    return end_of(world), points.names


@pytest.mark.parametrize("name", STORIES)
def test_a_driver_may_die_before_and_after_every_write_and_every_change(name: str) -> None:
    """Whoever drives on ends where the undisturbed rollout ends, and nothing is hurt on the way."""
    expected, places = undisturbed(STORIES[name])
    assert {place.split()[1] for place in places} & CHANGES
    for number, place in enumerate(places):
        world = STORIES[name].world()
        with suppress(Death):
            run(tapped(world, dies_at(number)))
        check(world)
        world.clock.sleep(61.0)
        run(tapped(world, checked(world)), "second@host 2")
        assert end_of(world) == expected, f"died {place} ({number})"


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("life", [9, 10, 11, 13, 17, 29])
def test_drivers_that_die_again_and_again_get_there(name: str, life: int) -> None:
    """However short their lives, each leaves the rollout further on."""
    expected, _ = undisturbed(STORIES[name])
    world = STORIES[name].world()
    for number in range(400):
        if lived(world, f"driver@host {number}", life):
            break
    check(world)
    assert end_of(world) == expected


def lived(world: FakeWorld, holder: str, life: int) -> bool:
    """Drive for so many places, once the last driver's lease is over; whether it came to its end alive."""
    world.clock.sleep(61.0)
    try:
        run(tapped(world, dies_at(life)), holder)
    except Death:
        return False
    return True


def test_a_left_intent_is_written_down_as_unknown() -> None:
    """The story says what may or may not have been done, and that reality was read again."""
    story = STORIES["gate"]
    _, places = undisturbed(story)
    world = story.world()
    with suppress(Death):
        run(tapped(world, dies_at(places.index("after resize"))))
    assert world.journal.current
    announced = world.journal.current.intent
    assert announced
    run(world, "second@host 2")
    notes = [entry.text for entry in world.journal.of_kind("note")]
    assert notes == [f"the outcome of '{announced}' was unknown: reality is read again"]
