"""What is no trouble wakes nobody: no alarm of the whole environment fires, and none sends a message."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.functional.observability.minutes import ASLEEP, NOBODY, Half, Life, Minute, minutes
from tests.functional.observability.synthesised import Client, Created
from tests.functional.observability.test_alarms_fire import TROUBLES
from tests.synth.synthesis import Stack

_HALF = Half(wanted=2, requests=50)


@dataclass(frozen=True, kw_only=True)
class Calm:
    """A story in which nothing is wrong enough; `near` are the alarms that it comes close to."""

    name: str
    story: Sequence[Minute]
    near: tuple[str, ...] = ()
    model: str = "chat"
    delay: int = 0


_ROLLOUT = [
    *minutes(12, green=Half(wanted=2, in_service=0)),
    *minutes(5, green=Half(wanted=2, requests=5), requests=95),
    *minutes(25, green=_HALF, blue=_HALF),
    *minutes(3, blue=Half(wanted=2), green=Half(wanted=2, requests=100)),
    *minutes(2, blue=NOBODY, green=Half(wanted=2, requests=100), heard=4),
    *minutes(10, blue=NOBODY, green=Half(wanted=2, requests=100)),
]
"""Warming up, 5 %, half and half, all; then blue drains, and is gone."""

_WAKING = [
    *[ASLEEP] * 10,
    *minutes(14, blue=Half(wanted=1, in_service=0)),
    *minutes(2, blue=Half(wanted=1, in_service=0), heard=1),
    *minutes(15, blue=Half(wanted=1, requests=30)),
    *minutes(11, blue=Half(wanted=1)),
    *minutes(3, blue=NOBODY, heard=1),
    *[ASLEEP] * 30,
]
"""Asleep, a cold start of a quarter of an hour, at work, idle, draining, and asleep again."""

CALM = [
    Calm(name="traffic", story=minutes(70)),
    Calm(name="no traffic", story=minutes(40, requests=0), near=("errors", "latency", "ttft")),
    Calm(name="asleep", story=[ASLEEP] * 40, model="night", near=("no-healthy-replica", "outage")),
    Calm(name="waking up, working, going to sleep", story=_WAKING, model="night"),
    Calm(name="a rollout", story=_ROLLOUT, near=("capacity-short", "no-healthy-replica")),
    Calm(
        name="a rollout with a dear release",
        story=[
            *minutes(50, blue=Half(wanted=2, on_demand=1, requests=50), green=Half(on_demand=1)),
            *minutes(5),
        ],
        near=("budget",),
    ),
    Calm(
        name="a spot instance is replaced",
        story=[
            *minutes(1, notices=1),
            *minutes(2, in_service=1, heard=2),
            *minutes(12, in_service=1),
            *minutes(2, in_service=1, heard=2),
            *minutes(10),
        ],
        near=("spot-notices", "capacity-short", "no-healthy-replica", "agent-silent"),
    ),
    Calm(
        name="one request, and it fails",
        story=[*minutes(5, requests=0), *minutes(1, requests=1, failed=1), *minutes(10, requests=0)],
        near=("errors", "outage"),
    ),
    Calm(
        name="two of two fail",
        story=[*minutes(2, requests=1, failed=1), *minutes(10, requests=0)],
        near=("errors", "outage"),
    ),
    Calm(name="as many fail as may", story=minutes(30, failed=3, unreachable=2), near=("errors", "outage")),
    Calm(
        name="a blip of failures",
        story=[*minutes(5), *minutes(1, failed=25), *minutes(10)],
        near=("errors", "outage"),
    ),
    Calm(name="one is always slow", story=minutes(30, slow=5), near=("latency", "slow")),
    Calm(name="one always begins late", story=minutes(30, late=5), near=("ttft", "slow")),
    Calm(
        name="slow for two minutes of five",
        story=[*minutes(1, slow=50), *minutes(3), *minutes(1, slow=50), *minutes(10)],
        near=("latency", "slow"),
    ),
    Calm(
        name="late for two minutes of five",
        story=[*minutes(2, late=50), *minutes(10)],
        near=("ttft", "slow"),
    ),
    Calm(
        name="a single slow request in the night",
        story=[*minutes(5, requests=0), *minutes(1, requests=1, slow=1), *minutes(10, requests=0)],
        near=("latency", "slow"),
    ),
    Calm(name="as many wait as may", story=minutes(20, queued=8), near=("queue", "slow")),
    Calm(
        name="a rush of four minutes",
        story=[*minutes(4, queued=40), *minutes(1), *minutes(4, queued=40), *minutes(5)],
        near=("queue", "slow"),
    ),
    Calm(
        name="a cold start of nineteen minutes",
        story=[*minutes(19, wanted=3, in_service=2), *minutes(10, wanted=3)],
        near=("capacity-short",),
    ),
    Calm(
        name="notices far apart",
        story=[
            *minutes(2, notices=1),
            *minutes(14),
            *minutes(2, notices=1),
            *minutes(14),
            *minutes(2, notices=1),
        ],
        near=("spot-notices",),
    ),
    Calm(name="publications come a little late", story=minutes(20, lost=1), near=("agent-silent",)),
    Calm(
        name="an agent is restarted",
        story=[*minutes(2, heard=1), *minutes(5)],
        near=("agent-silent",),
    ),
    Calm(
        name="an agent that drains is heard",
        story=[*minutes(10, wanted=1, heard=2), *minutes(5, wanted=1)],
        near=("agent-silent",),
    ),
    Calm(
        name="a page can't be read twice",
        story=[*minutes(2, unread=1), *minutes(1), *minutes(2, unread=3), *minutes(5)],
        near=("metrics-missing",),
    ),
    Calm(
        name="engines end as they are told to",
        story=[*minutes(5, wanted=3), *minutes(2, heard=3), *minutes(10)],
        near=("engine-failing", "metrics-missing"),
    ),
    Calm(
        name="a few answers are cut",
        story=[*minutes(5, bad_gateway=5), *minutes(5), *minutes(1, bad_gateway=2, requests=2), *minutes(9)],
        near=("balancer-errors",),
    ),
    Calm(name="as dear as it may be", story=minutes(70, wanted=3, on_demand=1), near=("budget",)),
    Calm(
        name="dear for less than an hour",
        story=[*minutes(59, on_demand=2), *minutes(1), *minutes(59, on_demand=2)],
        near=("budget",),
    ),
    Calm(
        name="groups say nothing for a while",
        story=[*minutes(10, groups=False), *minutes(10)],
        near=("no-healthy-replica", "capacity-short", "agent-silent", "budget"),
    ),
    Calm(
        name="the balancer says nothing for two minutes",
        story=[*minutes(2, balancer=False), *minutes(10)],
        near=("no-healthy-replica", "outage"),
    ),
    Calm(
        name="figures are two minutes late",
        story=minutes(20),
        near=("no-healthy-replica", "outage", "agent-silent"),
        delay=2,
    ),
]


@pytest.mark.parametrize("calm", CALM, ids=lambda calm: calm.name)
def test_stays_quiet(life: Life, calm: Calm) -> None:
    """No alarm fires in any minute of it, and nobody gets a message."""
    seen = life.play(calm.story, model=calm.model, delay=calm.delay)
    assert (seen.ever, seen.told) == (frozenset(), [])


_NEW = [
    [*minutes(5, groups=False, blue=NOBODY), *[ASLEEP] * 30],
    [ASLEEP] * 30,
    [*[ASLEEP] * 5, *minutes(2, blue=Half(wanted=2, in_service=0)), *minutes(10)],
]


@pytest.mark.parametrize(
    "story", _NEW, ids=["before its groups", "never deployed", "deployed in two minutes"]
)
@pytest.mark.parametrize("model", ["chat", "night"])
def test_a_new_environment_is_no_trouble(unborn: Life, story: list[Minute], model: str) -> None:
    """Alarms may be created before what they watch; the only messages are that they are fine, once each."""
    seen = unborn.play(story, model=model)
    assert not seen.ever
    assert all(subject.startswith("OK ") for subject in seen.told)
    assert len(seen.told) == len({*seen.told})


def test_a_first_deploy_that_takes_its_time_is_told(unborn: Life) -> None:
    """A model that must be there and isn't yet, is an outage: it is told like any other, and its end is."""
    unborn.play([ASLEEP] * 5)
    seen = unborn.play([*minutes(10, blue=Half(wanted=2, in_service=0)), *minutes(10)])
    assert seen.first("outage") == 3
    assert [subject for subject in seen.told if not subject.startswith("OK") or "outage" in subject] == [
        "ALARM outage",
        "OK outage",
    ]


@pytest.mark.parametrize(
    ("reason", "cause"),
    [("capacity-short", {"wanted": 3, "in_service": 2}), ("no-healthy-replica", {"healthy": 0})],
)
def test_slowness_that_is_explained_is_not_told(life: Life, reason: str, cause: dict[str, int]) -> None:
    """While replicas are missing, that they are is the message; slowness that outlasts it is one."""
    life.play(minutes(25, **cause))
    seen = life.play(minutes(10, slow=50, queued=20, **cause))
    assert {"latency", "queue", reason} <= seen.firing[-1]
    assert "slow" not in seen.ever
    assert not seen.told
    outlasting = life.play(minutes(3, slow=50, queued=20))
    assert "ALARM slow" in outlasting.told


def test_every_kind_has_a_scenario_that_fires_and_one_that_does_not(synthesised: Stack) -> None:
    """Whoever adds an alarm to the stack adds both here."""
    kinds = {
        address.rpartition("_")[2]
        for address, _ in synthesised.resources(
            "aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm"
        )
    }
    assert kinds == {trouble.kind for trouble in TROUBLES}
    assert kinds == {kind for calm in CALM for kind in calm.near}


def test_alarms_are_those_of_the_stack(client: Client, synthesised: Stack) -> None:
    """What is tested is all that Terraform would create, in its words."""
    Created(synthesised, client).watched()
    found = client("cloudwatch").describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    there = {alarm["AlarmName"]: alarm for alarm in found["MetricAlarms"] + found["CompositeAlarms"]}
    wanted = [
        alarm
        for _, alarm in synthesised.resources("aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm")
    ]
    assert {*there} == {alarm["alarm_name"] for alarm in wanted}
    for alarm in wanted:
        assert there[alarm["alarm_name"]].get("Threshold") == alarm.get("threshold")
        assert bool(there[alarm["alarm_name"]]["AlarmActions"]) == ("alarm_actions" in alarm)
