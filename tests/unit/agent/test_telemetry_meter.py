"""One replica's figures: what the loop and the pages tell, taken for publication."""

import pytest

from infra.agent.config import Monitoring
from infra.agent.machine import Action, Notice, NoticeKind, Phase, State
from infra.agent.telemetry.life import Life
from infra.agent.telemetry.meter import Meter
from infra.agent.telemetry.tally import Tally
from tests.unit.agent.pages import config, launch, page

LAUNCHED = 1000.0


class Replica:
    """A meter, and the states of the loop it sees."""

    def __init__(
        self,
        *,
        cold: bool = True,
        orphaned: bool = False,
        launched: float | None = LAUNCHED,
        **engine: object,
    ) -> None:
        self.life = Life(launched, LAUNCHED + 30, cold, orphaned)
        self.meter = Meter(config(launch(**engine), Monitoring()), self.life)
        self.state = State()

    def goes(self, phase: Phase, at: float, *actions: Action, **changes: object) -> None:
        """The loop enters a phase."""
        after = State(phase=phase, **changes)  # type: ignore[arg-type]
        self.meter.saw(self.state, after, actions, at)
        self.state = after

    def healthy(self) -> None:
        """From the agent's start to the first health."""
        self.goes(Phase.FETCHING, 1031.0, Action.FETCH)
        self.goes(Phase.LOADING, 1041.0, Action.START_ENGINE)
        self.goes(Phase.HEALTHY, 1101.0)

    def reads(self, text: str, at: float = 1200.0) -> None:
        """A page is fetched."""
        self.meter.page(text, self.meter.turn(), at)

    def taken(self, at: float = 1300.0) -> Tally:
        """What would be published."""
        return self.meter.take(at).whole()


def test_cold_start_is_told_once_with_its_parts() -> None:
    """Scaling waits as long as a cold start takes: it must be measured, and not again after a crash."""
    replica = Replica()
    replica.healthy()
    replica.reads(page(tokens=0), 1105.0)
    replica.reads(page(tokens=7), 1111.0)
    first = replica.taken()
    parts = {name: list(first.last(name)) for name in first.values if name.startswith("ColdStart")}
    assert parts == {
        "ColdStart": [101.0],
        "ColdStartBoot": [30.0],
        "ColdStartFetch": [10.0],
        "ColdStartLoad": [60.0],
        "ColdStartFirstToken": [10.0],
    }
    replica.goes(Phase.FAILED, 1300.0)
    replica.goes(Phase.LOADING, 1305.0, Action.START_ENGINE)
    replica.goes(Phase.HEALTHY, 1310.0)
    replica.reads(page(tokens=7), 1320.0)
    assert not [name for name in replica.taken().values if name.startswith("ColdStart")]


def test_an_agent_started_again_measures_no_cold_start() -> None:
    """An instance that has served for days would show a cold start of days."""
    replica = Replica(cold=False)
    replica.healthy()
    replica.reads(page(tokens=7))
    assert not [name for name in replica.taken().values if name.startswith("ColdStart")]


def test_heartbeat_and_zeros_come_without_an_engine() -> None:
    """The fleet's count of agents must not depend on what their engines do, nor alarms miss their zeros."""
    taken = Replica(readings=()).taken()
    assert taken.counts == {"Heartbeat": 1, "EngineFailures": 0, "SpotNotices": 0}
    assert list(taken.last("Age")) == [300]


def test_failures_of_the_engine_are_counted() -> None:
    """A crash and an engine that no longer answers each show, whatever the agent does about it."""
    replica = Replica()
    replica.healthy()
    replica.goes(Phase.FAILED, 1200.0)
    replica.goes(Phase.LOADING, 1210.0, Action.START_ENGINE)
    replica.goes(Phase.HEALTHY, 1220.0)
    replica.goes(Phase.LOADING, 1230.0)
    assert replica.taken().counts["EngineFailures"] == 2


def test_an_agent_that_was_killed_is_told_of_by_the_next() -> None:
    """Its engine went down with it, and it can't say so itself."""
    replica = Replica(cold=False, orphaned=True)
    replica.healthy()
    assert replica.taken().counts["EngineFailures"] == 1
    assert replica.taken().counts["EngineFailures"] == 0


def test_an_engine_that_ends_in_a_drain_failed_unless_it_was_stopped() -> None:
    """Requests in flight were lost then; a stop after the drain is no failure."""
    notice = Notice(NoticeKind.TERMINATED)
    for stopped, expected in ((None, 1), (1250.0, 0)):
        replica = Replica()
        replica.healthy()
        replica.goes(Phase.DRAINING, 1200.0, notice=notice, stop_sent_at=stopped)
        replica.goes(Phase.GONE, 1260.0, notice=notice, stop_sent_at=stopped)
        assert replica.taken().counts["EngineFailures"] == expected


@pytest.mark.parametrize(
    ("kind", "failures"), [(NoticeKind.TERMINATED, 1), (NoticeKind.SPOT, 1), (NoticeKind.STOPPED, 0)]
)
def test_an_engine_found_dead_when_the_notice_comes_had_failed(kind: NoticeKind, failures: int) -> None:
    """Loop and notice may see the same second; a stop by hand reaches the engine, too, and is no failure."""
    replica = Replica()
    replica.healthy()
    replica.goes(Phase.GONE, 1200.0, notice=Notice(kind))
    assert replica.meter.take(1300.0).serving.counts.get("EngineFailures", 0) == failures


def test_what_is_recorded_after_the_notice_is_kept_apart() -> None:
    """Whose it is depends on when it happened, not on when it is published."""
    replica = Replica()
    replica.healthy()
    replica.reads(page(requests={"200": 3}), 1150.0)
    replica.goes(Phase.DRAINING, 1200.0, notice=Notice(NoticeKind.SPOT, 1320.0))
    replica.reads(page(requests={"200": 4, "500": 1}), 1210.0)
    taken = replica.meter.take(1300.0)
    assert (taken.serving.counts["Requests"], taken.leaving.counts["Requests"]) == (3, 2)
    assert (taken.serving.counts["ServerErrors"], taken.leaving.counts["ServerErrors"]) == (0, 1)
    assert taken.leaving.counts["Heartbeat"] == 1
    assert "Heartbeat" not in taken.serving.counts


def test_a_spot_notice_counts_once() -> None:
    """The notice stays readable until the instance is taken."""
    replica = Replica()
    replica.healthy()
    notice = Notice(NoticeKind.SPOT, 1320.0)
    replica.goes(Phase.DRAINING, 1200.0, notice=notice)
    replica.goes(Phase.DRAINING, 1201.0, notice=notice)
    assert replica.taken().counts["SpotNotices"] == 1


def test_unreadable_pages_are_news_of_a_healthy_engine_only() -> None:
    """While it loads or has crashed there is nothing to read; that is known from the phase."""
    replica = Replica()
    replica.goes(Phase.LOADING, 1041.0, Action.START_ENGINE)
    replica.meter.unread()
    replica.goes(Phase.HEALTHY, 1101.0)
    replica.meter.unread()
    replica.reads("not { a page")
    assert replica.taken().counts["ScrapeFailures"] == 2


def test_overlapping_pages_are_taken_once() -> None:
    """Of two pages fetched at the same time the older may come last, and would look like a restart."""
    replica = Replica()
    replica.healthy()
    early, late = replica.meter.turn(), replica.meter.turn()
    replica.meter.page(page(requests={"200": 10}), late, 1200.0)
    replica.meter.page(page(requests={"200": 9}), early, 1200.1)
    assert replica.taken().counts["Requests"] == 10


def test_a_page_of_the_engine_before_is_dropped() -> None:
    """Asked for before a restart and answered after it, it belongs to nobody."""
    replica = Replica()
    replica.healthy()
    turn = replica.meter.turn()
    replica.goes(Phase.FAILED, 1200.0)
    replica.goes(Phase.LOADING, 1210.0, Action.START_ENGINE)
    replica.meter.page(page(requests={"200": 9}), turn, 1211.0)
    assert "Requests" not in replica.taken().counts


def test_taking_starts_anew() -> None:
    """Nothing is published twice."""
    replica = Replica()
    replica.healthy()
    replica.reads(page(requests={"200": 3}, running=2))
    assert replica.taken().counts["Requests"] == 3
    again = replica.taken()
    assert "Requests" not in again.counts
    assert not again.last("InFlight")


def test_occupancy_is_of_what_fits() -> None:
    """Waiting requests are not in the batch."""
    replica = Replica(max_sequences=8)
    replica.healthy()
    replica.reads(page(running=4, waiting=3))
    assert list(replica.taken().last("BatchOccupancy")) == [50.0]


def test_engine_is_read_while_it_serves_and_left_to_the_probe_in_a_drain() -> None:
    """The page that shows the engine empty must be the last one before it is stopped."""
    for metrics, in_drain in (((), True), (("running",), False)):
        replica = Replica(in_flight_metrics=metrics)
        seen = [replica.meter.reads]
        replica.healthy()
        seen.append(replica.meter.reads)
        for phase in (Phase.LOADING, Phase.DRAINING):
            replica.goes(phase, 1200.0)
            seen.append(replica.meter.reads)
        assert seen == [False, True, True, in_drain]
    assert not Replica(readings=()).meter.reads
