"""What a replica that leaves still tells, from the loop to CloudWatch: all of it, but not of its release."""

import pytest

from infra.agent.catalogue import Level
from infra.agent.config import Monitoring
from infra.agent.machine import Action, Notice, NoticeKind, Phase, State
from infra.agent.telemetry.datums import Who
from infra.agent.telemetry.life import Life
from infra.agent.telemetry.meter import Meter
from infra.agent.telemetry.publisher import Publisher
from infra.agent.telemetry.scraper import Telemetry
from tests.unit.agent.pages import config, launch, page
from tests.unit.agent.test_telemetry_publishing import FakeCloudWatch

WHO = Who(environment="test", model="chat", slot="blue", release="7", replica="i-1")


class Replica:
    """The agent's telemetry as it is put together, before a CloudWatch that keeps what it is told."""

    def __init__(self) -> None:
        self.cloudwatch = FakeCloudWatch()
        self.text = page()
        self.state = State()
        settings = config(launch(), Monitoring())
        self.telemetry = Telemetry(
            config=settings,
            meter=Meter(settings, Life(None, 1000.0, cold=False)),
            publisher=Publisher(self.cloudwatch, 60),  # type: ignore[arg-type]
            who=lambda: WHO,
            context={},
            write=lambda text: None,
            fetch=lambda: self.text,
            learn=lambda: True,
            wall=lambda: 1200.0,
        )
        self.telemetry.publisher.start()

    def goes(self, phase: Phase, *actions: Action, notice: NoticeKind | None = None) -> None:
        """The loop enters a phase; an engine that drains to its end was stopped."""
        stopped = 1.0 if phase is Phase.GONE else None
        after = State(phase=phase, notice=Notice(notice) if notice else None, stop_sent_at=stopped)
        before = self.state if phase is not Phase.GONE else _stopped(self.state)
        self.telemetry.saw(before, after, actions)
        self.state = after

    def answers(self, **requests: int) -> None:
        """The engine's page shows so many requests by status; the agent reads it."""
        self.text = page(requests={status.lstrip("_"): count for status, count in requests.items()})
        self.telemetry.look()

    def ends(self) -> None:
        """The last word."""
        self.telemetry.flush(5)

    def sums(self, name: str, level: Level) -> float:
        """All that CloudWatch was told."""
        return sum(self.cloudwatch.sums(name, level))


def _stopped(state: State) -> State:
    if state.phase is not Phase.DRAINING:
        return state
    return State(phase=state.phase, notice=state.notice, stop_sent_at=1.0)


@pytest.fixture
def replica() -> Replica:
    """It has answered ten requests, of which nothing is published yet."""
    serving = Replica()
    serving.goes(Phase.LOADING, Action.START_ENGINE)
    serving.goes(Phase.HEALTHY)
    serving.answers(_200=10)
    return serving


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_drained_and_gone_it_says_nothing_of_its_release(replica: Replica, kind: NoticeKind) -> None:
    """Errors of its last seconds aren't the release's fault; all of before is its own."""
    replica.goes(Phase.DRAINING, notice=kind)
    replica.answers(_200=12, _500=3)
    replica.telemetry.publish()
    replica.goes(Phase.GONE, notice=kind)
    replica.ends()
    assert replica.sums("Requests", Level.RELEASE) == 10
    assert replica.sums("ServerErrors", Level.RELEASE) == 0
    assert replica.sums("Requests", Level.SLOT) == replica.sums("Requests", Level.MODEL) == 15
    assert replica.sums("ServerErrors", Level.MODEL) == 3


def test_what_is_learnt_after_the_drain_is_not_the_releases(replica: Replica) -> None:
    """Reports of the last requests may come when the engine has stopped already."""
    replica.telemetry.publish()
    replica.goes(Phase.DRAINING, notice=NoticeKind.SPOT)
    replica.goes(Phase.GONE, notice=NoticeKind.SPOT)
    replica.answers(_200=10, _500=2)
    replica.ends()
    assert replica.sums("ServerErrors", Level.RELEASE) == 0
    assert replica.sums("ServerErrors", Level.MODEL) == 2


def test_failed_and_gone_its_crash_is_told(replica: Replica) -> None:
    """A release that crashes is replaced by its group: the crash must reach the judge all the same."""
    replica.goes(Phase.FAILED)
    replica.goes(Phase.GONE, notice=NoticeKind.TERMINATED)
    replica.ends()
    assert replica.sums("EngineFailures", Level.RELEASE) == 1
    assert replica.sums("Requests", Level.RELEASE) == 10
