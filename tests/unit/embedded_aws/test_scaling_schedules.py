"""When scheduled actions run, and what they make of a group.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-scheduled-scaling.html
"""

from datetime import UTC, datetime

import pytest

from infra.embedded.aws.scaling_schedules import BadScheduleError, Schedule, Sizes, applied


def at(text: str) -> float:
    """Epoch seconds of a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


NOW = at("2026-06-01T12:00")


@pytest.mark.parametrize(
    ("recurrence", "zone", "following"),
    [
        ("30 0 1 1,6,12 *", None, "2026-12-01T00:30"),
        ("0 9 * * MON-FRI", "Europe/Paris", "2026-06-02T07:00"),
        ("0 9 * * *", "Etc/UTC", "2026-06-02T09:00"),
        ("*/15 * * * *", None, "2026-06-01T12:15"),
    ],
)
def test_recurrences(recurrence: str, zone: str | None, following: str) -> None:
    """Five cron fields, in UTC or in the action's time zone."""
    assert Schedule(recurrence=recurrence, time_zone=zone).next(NOW) == at(following)


def test_daylight_saving_moves_a_local_schedule() -> None:
    """Nine o'clock in Paris is an hour later in UTC in winter."""
    schedule = Schedule(recurrence="0 9 * * *", time_zone="Europe/Paris")
    assert schedule.next(at("2026-10-24T12:00")) == at("2026-10-25T08:00")


def test_one_time_action_runs_once() -> None:
    """Without a recurrence the start is the only run."""
    schedule = Schedule(start=at("2026-06-01T13:00"))
    assert schedule.next(NOW) == at("2026-06-01T13:00")
    assert schedule.next(at("2026-06-01T13:00")) is None


def test_start_is_the_first_run_of_a_recurrence_and_end_its_bound() -> None:
    """With a recurrence, start and end bound it, and it runs at its start too."""
    schedule = Schedule(
        start=at("2026-06-03T10:30"), end=at("2026-06-04T10:00"), recurrence="0 9 * * *", time_zone="UTC"
    )
    assert schedule.next(NOW) == at("2026-06-03T10:30")
    assert schedule.next(at("2026-06-03T10:30")) == at("2026-06-04T09:00")
    assert schedule.next(at("2026-06-04T09:00")) is None


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(),
        Schedule(start=NOW - 1),
        Schedule(recurrence="0 9 * *"),
        Schedule(recurrence="99 9 * * *"),
        Schedule(recurrence="0 9 * * *", time_zone="Mars/Phobos"),
        Schedule(recurrence="0 9 * * *", end=NOW - 1),
        Schedule(start=NOW + 10, end=NOW + 5),
    ],
)
def test_what_can_never_run_is_refused(schedule: Schedule) -> None:
    """A schedule in the past, without a time, or that can't be read is an error at once."""
    with pytest.raises(BadScheduleError):
        schedule.check(NOW)


@pytest.mark.parametrize(
    ("action", "after"),
    [
        (Sizes(minimum=4), Sizes(minimum=4, maximum=10, desired=4)),
        (Sizes(maximum=1), Sizes(minimum=0, maximum=1, desired=1)),
        (Sizes(minimum=1, maximum=20), Sizes(minimum=1, maximum=20, desired=2)),
        (Sizes(desired=7), Sizes(minimum=0, maximum=10, desired=7)),
        (Sizes(minimum=3, maximum=9, desired=5), Sizes(minimum=3, maximum=9, desired=5)),
    ],
)
def test_desired_capacity_follows_only_when_it_must(action: Sizes, after: Sizes) -> None:
    """A new minimum raises the desired capacity, a new maximum lowers it, anything else leaves it."""
    assert applied(Sizes(minimum=0, maximum=10, desired=2), action) == after


@pytest.mark.parametrize("action", [Sizes(minimum=11), Sizes(desired=11), Sizes(minimum=3, desired=2)])
def test_sizes_that_do_not_fit_are_refused(action: Sizes) -> None:
    """Minimum, desired and maximum must be in this order."""
    with pytest.raises(BadScheduleError):
        applied(Sizes(minimum=0, maximum=10, desired=2), action)
