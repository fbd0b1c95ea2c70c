"""What the page shows of a real environment: joined from the adapters' answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from infra.dashboard.source import CloudSource, Connection, alarm_states
from infra.dashboard.types import AlarmFact, AlarmPhase
from infra.deploy.types import EnvironmentState
from infra.environment.model import Environment
from infra.environment.slots import Market, Slot
from infra.errors import LlmctlError
from infra.metrics.ports import Point, Series
from infra.observability.serving import Serving
from infra.observability.types import Line, Sources
from tests.fakes.dashboard import environment_state
from tests.fakes.environments import two_models

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SOURCES = Sources(
    balancer="app/lb/1",
    target_groups={slot: f"targetgroup/{slot}/1" for slot in Slot},
    groups={(slot, market): f"{slot}-{market}" for slot in Slot for market in Market},
)


@dataclass
class FakeCloud:
    """All ports of a connection at once."""

    alarms: dict[str, AlarmFact] = field(default_factory=dict)
    deployed: bool = True
    failure: LlmctlError | None = None
    asked_since: datetime | None = None
    connections: int = 0

    def connect(self) -> Connection:
        """A new connection to this cloud."""
        self.connections += 1
        return Connection(
            environment=two_models(),
            observe=self.observe,
            alarms=self,
            events=self.events,
            reader=self,
            origins=self,
        )

    def observe(self) -> EnvironmentState:
        """A state, or the failure."""
        if self.failure:
            raise self.failure
        return environment_state()

    def facts(self) -> Mapping[str, AlarmFact]:
        """The alarms."""
        return self.alarms

    def events(self, since: datetime) -> Sequence[str]:
        """Two, oldest first."""
        self.asked_since = since
        return ["older", "newer"]

    def sources(self) -> Mapping[str, Sources]:
        """Of both models."""
        return {"chat": SOURCES, "french": SOURCES} if self.deployed else {}

    def series(
        self, lines: Sequence[Line], *, since: datetime, until: datetime, period: int
    ) -> tuple[Series, ...]:
        """One point in each, at the beginning."""
        return tuple(Series(line=line, points=(Point(since, 1.0),)) for line in lines)

    def releases(self) -> Mapping[str, frozenset[Serving]]:
        """None."""
        return {}


def fact(phase: AlarmPhase) -> AlarmFact:
    """An alarm in this phase."""
    return AlarmFact(phase=phase, since=NOW, reason="because")


@pytest.fixture
def cloud() -> FakeCloud:
    """A cloud with nothing wrong."""
    return FakeCloud()


@pytest.fixture
def source(cloud: FakeCloud) -> CloudSource:
    """The page's view of it."""
    return CloudSource(cloud.connect, now=lambda: NOW)


def test_charts_are_the_models_figures(source: CloudSource) -> None:
    """What the terminal and CloudWatch show is what the page shows, every line with its values."""
    found = source.charts("chat", 3600)
    ids = [chart.id for chart in found.charts]
    assert ids[0] == "requests"
    assert {"latency", "ttft", "tokens", "replicas"} <= set(ids)
    assert {curve.values[0] for chart in found.charts for curve in chart.curves} == {1.0}


def test_nothing_deployed_has_no_charts(cloud: FakeCloud, source: CloudSource) -> None:
    """Without target groups there is nothing to ask CloudWatch for; that is no failure."""
    cloud.deployed = False
    assert source.charts("chat", 3600).charts == ()
    assert source.alarms() == ()


def test_events_are_newest_first_and_of_a_day(cloud: FakeCloud, source: CloudSource) -> None:
    """What just happened is on top."""
    assert source.events() == ["newer", "older"]
    assert cloud.asked_since == NOW - timedelta(days=1)


def test_one_connection_while_all_is_well(cloud: FakeCloud, source: CloudSource) -> None:
    """Clients are made once: that takes longer than asking."""
    source.state()
    source.events()
    source.charts("chat", 900)
    assert cloud.connections == 1


def test_after_a_failure_it_connects_anew(cloud: FakeCloud, source: CloudSource) -> None:
    """A cloud that came back at another address is found, without a restart of the page."""
    cloud.failure = LlmctlError("nobody answers")
    with pytest.raises(LlmctlError, match="nobody answers"):
        source.state()
    cloud.failure = None
    assert source.state().environment == "staging"
    assert cloud.connections == 2


def states(environment: Environment, phases: Mapping[str, AlarmPhase]) -> list[tuple[str, AlarmPhase]]:
    """Kind and phase of each alarm that is shown, given CloudWatch's by name."""
    cloud = FakeCloud(alarms={name: fact(phase) for name, phase in phases.items()})
    return [
        (f"{alarm.model}: {alarm.kind}", alarm.phase)
        for alarm in alarm_states(environment, cloud.sources(), cloud)
    ]


def test_worst_alarm_first() -> None:
    """What fires is on top, whatever the order of the names."""
    phases = {
        "llmctl-test-chat-outage": AlarmPhase.OK,
        "llmctl-test-chat-ttft": AlarmPhase.NO_DATA,
        "llmctl-test-french-slow": AlarmPhase.ALARM,
    }
    assert states(two_models(), phases) == [
        ("french: slow", AlarmPhase.ALARM),
        ("chat: ttft", AlarmPhase.NO_DATA),
        ("chat: outage", AlarmPhase.OK),
    ]


def test_another_environments_alarms_are_not_shown() -> None:
    """`test-eu` begins like `test`, and its alarms are somebody else's."""
    phases = {"llmctl-test-eu-chat-outage": AlarmPhase.ALARM, "llmctl-test-chat-outage": AlarmPhase.OK}
    assert states(two_models(), phases) == [("chat: outage", AlarmPhase.OK)]
