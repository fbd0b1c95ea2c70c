"""Chaos by AWS's service: what it can do, whom it says it hit, and what it says when it can't."""

from dataclasses import dataclass, field

import pytest

from infra.chaos.experiments import ExperimentInject, check
from infra.chaos.suites import SHIPPED
from infra.chaos.types import Take, Who
from infra.errors import LlmctlError, Refused

NOTICE = Take(who=Who.HALF, notice=120.0)


@dataclass
class Service:
    """Goes through its states, one a look; the instances are known from `running` on."""

    states: list[str]
    hit: tuple[str, ...] = ("i-1", "i-2")
    started: list[str] = field(default_factory=list)

    def start(self, who: str) -> str:
        """Note it."""
        self.started.append(who)
        return "EXP1"

    def state(self, experiment: str) -> tuple[str, str]:
        """The next one, and the last one for ever."""
        return (self.states.pop(0) if len(self.states) > 1 else self.states[0]), "no such target"

    def instances(self, experiment: str) -> tuple[str, ...]:
        """Those hit."""
        return self.hit


class Clock:
    """Counts."""

    slept = 0.0

    def sleep(self, seconds: float) -> None:
        """At once."""
        self.slept += seconds


def test_who_was_hit_is_known_as_soon_as_aws_has_chosen() -> None:
    """AWS chooses, not we: the report names its choice."""
    service, clock = Service(["pending", "initiating", "running"]), Clock()
    assert ExperimentInject(service, clock).start(NOTICE, None, 1) == ("i-1", "i-2")
    assert (service.started, clock.slept) == (["half"], 2.0)


def test_an_experiment_that_fails_says_why() -> None:
    """It is no run without harm that passes."""
    with pytest.raises(LlmctlError, match="EXP1 failed: no such target"):
        ExperimentInject(Service(["pending", "failed"]), Clock()).start(NOTICE, None, 1)


def test_an_experiment_that_hits_nobody_ends() -> None:
    """It isn't waited for without an end."""
    with pytest.raises(LlmctlError, match="hit nobody"):
        ExperimentInject(Service(["running"], hit=()), Clock()).start(NOTICE, None, 1)


def test_what_the_service_can_not_do_is_refused() -> None:
    """Before the load begins; the shipped suites that it can do are those of notices."""
    for name, suite in SHIPPED.items():
        if name in ("notice", "half", "all"):
            check(suite)
            continue
        with pytest.raises(Refused) as caught:
            check(suite)
        assert "embedded cloud" in caught.value.hint, name
