import pytest

from infra.chaos.drive import Done, Story, drive
from infra.chaos.suites import SHIPPED, named
from infra.chaos.types import Budget, Injection, Market, Replica, Sighting, Step, Suite, Take, Who
from infra.chaos.verdict import Load, availability, misses, recoveries, recovery
from infra.chaos.victims import victims
from infra.errors import Refused

FLEET = tuple(Replica(instance=f"i-{n}", zone="ab"[n % 2]) for n in range(3))


class Clock:
    now = 100.0

    def time(self) -> float:
        """Only jumps."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Jump."""
        self.now += seconds


class Target:
    def look(self, at: float) -> Sighting:
        """The same three."""
        return Sighting(at=at, replicas=FLEET, wanted=3)


class Inject:
    def __init__(self, fail: BaseException | None = None) -> None:
        self.calls: list[tuple[str, object]] = []
        self.fail = fail

    def start(self, injection: Injection, seen: Sighting | None, seed: int) -> tuple[str, ...]:
        """Recorded; taking hits all, and may fail."""
        self.calls.append(("start", injection))
        if self.fail and isinstance(injection, Take):
            raise self.fail
        return tuple(replica.instance for replica in seen.spot) if seen else ()

    def stop(self, injection: Injection) -> None:
        """Recorded."""
        self.calls.append(("stop", injection))


DRY = Market(seconds=5)


def suite(*steps: Step, seconds: float = 10) -> Suite:
    """A suite of these steps."""
    return Suite(name="x", summary="", seconds=seconds, steps=steps, budget=Budget())


def seen(*ready: int) -> tuple[Sighting, ...]:
    """Each second so many ready; two are wanted."""
    return tuple(Sighting(at=float(at), replicas=FLEET[:count], wanted=2) for at, count in enumerate(ready))


@pytest.mark.parametrize(("who", "count"), [(Who.ONE, 1), (Who.HALF, 2), (Who.ALL, 3)])
def test_victims_are_the_same_for_a_seed(who: Who, count: int) -> None:
    """A run can be repeated: the order in which replicas are listed changes nothing."""
    hit = victims(who, FLEET, 7)
    assert len(set(hit)) == count
    assert hit == victims(who, FLEET[::-1], 7)


def test_a_zone_is_hit_whole_and_alone() -> None:
    """The zone suite takes all replicas of one zone and nobody else."""
    hit = victims(Who.ZONE, FLEET, 1)
    assert {r for r in FLEET if r.zone == hit[0].zone} == set(hit)


def test_nobody_there_is_nobody_hit() -> None:
    """An empty fleet is no error."""
    assert victims(Who.ALL, (), 1) == ()


def test_steps_come_on_time_and_end_on_time() -> None:
    """What lasts is undone once, when its time is over, not at the end only."""
    inject = Inject()
    story = drive(
        suite(Step(at=7, do=Take(who=Who.ALL)), Step(at=1, do=DRY)), Target(), inject, Clock(), seed=1
    )
    assert [name for name, _ in inject.calls] == ["start", "stop", "start"]
    assert [done.at for done in story.done] == [1, 7]
    assert story.done[1].victims == ("i-0", "i-1", "i-2")
    assert len(story.sightings) == 10


@pytest.mark.parametrize("fail", [Refused("no"), KeyboardInterrupt()])
def test_everything_is_undone_after_an_error_or_ctrl_c(fail: BaseException) -> None:
    """A run that breaks off leaves no drought behind."""
    inject = Inject(fail)
    steps = (Step(at=0, do=Market(seconds=99)), Step(at=1, do=Take(who=Who.ONE)))
    with pytest.raises(type(fail)):
        drive(suite(*steps), Target(), inject, Clock(), seed=1)
    assert [name for name, _ in inject.calls] == ["start", "start", "stop"]


def test_availability_is_the_share_with_enough() -> None:
    """More than wanted is no better than enough, and nothing seen is not known."""
    assert availability(seen(2, 1, 3, 2)) == 0.75
    assert availability(()) is None


@pytest.mark.parametrize(
    ("ready", "time"), [((2, 1, 1, 2), 3.0), ((2, 2), 0.0), ((2, 1), None), ((1, 2, 1, 2), 3.0), ((), None)]
)
def test_recovery_lasts_until_it_stays(ready: tuple[int, ...], time: float | None) -> None:
    """A replica that comes and goes again has not recovered; one that never comes has no time."""
    assert recovery(seen(*ready), 0, 99) == time


def test_each_injection_answers_for_its_own_time() -> None:
    """A later injection's lack isn't charged to an earlier one."""
    take = Take(who=Who.ONE)
    story = Story(done=(Done(at=0, do=take), Done(at=3, do=take)), sightings=seen(1, 2, 2, 1, 1, 2))
    assert recoveries(story) == (1.0, 2.0)


def test_injections_at_the_same_time_share_their_recovery() -> None:
    """Nothing was seen between them: that isn't a lack that never ended."""
    take = Take(who=Who.ONE)
    story = Story(done=(Done(at=0.5, do=take), Done(at=0.6, do=take)), sightings=seen(2, 1, 2))
    assert recoveries(story) == (1.5, 1.4)


def test_what_is_over_the_budget_is_said() -> None:
    """Each miss names figure, value and limit; within the budget there is none."""
    story = Story(done=(Done(at=0, do=DRY),), sightings=seen(1, 2))
    strict = Budget(failed=0, truncated=0, availability=1, recovery=0.5)
    assert len(misses(strict, Load(offered=10, failed=1, truncated=1), story)) == 4
    assert misses(Budget(failed=0.1, recovery=1), Load(offered=10, failed=1, truncated=1), story) == ()


def test_what_was_not_measured_does_not_pass() -> None:
    """No requests are no proof that none failed."""
    story = Story(done=(), sightings=())
    assert misses(Budget(failed=0), Load(offered=0, failed=0, truncated=0), story)
    assert misses(Budget(availability=0.9), Load(offered=1, failed=0, truncated=0), story)


def test_shipped_suites_end_after_what_they_do() -> None:
    """Every suite looks on until after its last injection is over."""
    for one in SHIPPED.values():
        for step in one.steps:
            assert step.over < one.seconds


def test_an_unknown_suite_is_refused_with_the_known_ones() -> None:
    """A typing error is answered with what there is."""
    with pytest.raises(Refused) as caught:
        named("notise")
    assert "notice" in caught.value.hint
