"""The waker's answers, and what it does on the way."""

import json
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from infra.waker.bundle import waker_bundle
from infra.waker.config import SleepingModel, WakerConfig
from infra.waker.handler import ModelWaker, answer
from infra.waker.policy import Observation
from tests.unit.waker.test_policy import ASLEEP, AWAKE

CONFIG = WakerConfig(
    environment="test",
    balancer="llmctl-test",
    runtime_table="llmctl-test",
    models=(
        SleepingModel(
            name="chat",
            sleep_after=900,
            waker_target_group="test-chat-waker",
            target_groups={"blue": "test-chat-blue", "green": "test-chat-green"},
            groups={"blue": ("b-spot", "b-od"), "green": ("g-spot", "g-od")},
        ),
    ),
)


@dataclass
class FakeCloud:
    """Shows one observation and records what is done."""

    seen: Observation
    live_slot: tuple[str, float] | None = ("blue", 0.0)
    done: list[tuple[str, ...]] = field(default_factory=list)
    broken: bool = False

    def live(self) -> tuple[str, float] | None:
        """The live slot."""
        return self.live_slot

    def observe(self, slot: str, live_since: float, *, asked: bool) -> Observation:
        """The observation."""
        self.done.append(("observe",))
        if self.broken:
            raise RuntimeError("the target group was replaced")
        return replace(self.seen, asked=asked)

    def wake(self, slot: str, now: float) -> None:
        """Recorded."""
        self.done.append(("wake", slot))

    def sleep(self, slot: str) -> None:
        """Recorded."""
        self.done.append(("sleep", slot))

    def route(self, slot: str | None) -> None:
        """Recorded."""
        self.done.append(("route", slot or "waker"))

    def cold_start(self) -> float:
        """Half a minute."""
        self.done.append(("cold start",))
        return 30.0

    def record(self, action: str, result: str) -> None:
        """Recorded."""
        self.done.append(("record", action))

    def forget(self) -> None:
        """Recorded."""
        self.done.append(("forget",))


def waker(cloud: FakeCloud, clock: list[float]) -> ModelWaker:
    """A waker at the time that the list holds."""
    return ModelWaker(cloud, 900, now=lambda: clock[0])


def test_the_first_request_wakes_and_is_told_when_to_come_again() -> None:
    """One replica is asked for, recorded, and the client gets the usual cold start."""
    cloud = FakeCloud(ASLEEP)
    assert waker(cloud, [1000.0]).request() == 30
    assert ("wake", "blue") in cloud.done
    assert ("record", "woken") in cloud.done


def test_a_burst_is_one_look() -> None:
    """Requests within a second share one look at the cloud; later ones look again."""
    cloud, clock = FakeCloud(ASLEEP), [1000.0]
    one = waker(cloud, clock)
    assert [one.request() for _ in range(50)] == [30] * 50
    assert cloud.done.count(("observe",)) == 1
    clock[0] += 1
    one.request()
    assert cloud.done.count(("observe",)) == 2
    assert cloud.done.count(("cold start",)) == 1


def test_the_schedule_puts_idle_models_to_sleep() -> None:
    """Capacity goes first, then the requests' way: an invocation that dies between leaves no dead end."""
    cloud = FakeCloud(replace(AWAKE, requests=0, awake_since=0))
    waker(cloud, [10_000.0]).look()
    assert cloud.done == [("observe",), ("sleep", "blue"), ("record", "asleep"), ("route", "waker")]


def test_a_failure_is_answered_and_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    """The client still learns when to come again, and what was looked up is looked up anew."""
    cloud, clock = FakeCloud(ASLEEP, broken=True), [1000.0]
    one = waker(cloud, clock)
    assert one.request() == 60
    one.look()
    assert cloud.done == [("observe",), ("forget",)] * 2
    assert "target group was replaced" in caplog.text
    cloud.broken, clock[0] = False, 1001.0
    assert one.request() == 30
    assert ("wake", "blue") in cloud.done


def test_a_replica_that_others_took_is_recorded_too() -> None:
    """Target tracking may scale an idle model to zero before the waker does: the log says that it sleeps."""
    cloud = FakeCloud(replace(AWAKE, desired=0, healthy=0))
    waker(cloud, [10_000.0]).look()
    assert cloud.done == [("observe",), ("route", "waker"), ("record", "asleep")]


def test_before_the_first_deploy_has_ended_nothing_is_touched() -> None:
    """A model that is live nowhere is not woken: which release it would boot isn't decided yet."""
    cloud = FakeCloud(ASLEEP, live_slot=None)
    assert waker(cloud, [0.0]).request() > 0
    assert cloud.done == []


def test_the_answer_is_one_that_clients_understand() -> None:
    """503, Retry-After in seconds, and an error in OpenAI's shape."""
    told = answer("chat", 20)
    assert told["statusCode"] == 503
    assert told["headers"]["Retry-After"] == "20"
    assert "chat" in json.loads(told["body"])["error"]["message"]


def test_the_configuration_survives_its_zip(tmp_path: Path) -> None:
    """The same configuration gives the same bytes, and the function reads what was packed."""
    first = waker_bundle(CONFIG, tmp_path / "a").read_bytes()
    path = waker_bundle(CONFIG, tmp_path / "b")
    assert path.read_bytes() == first
    with zipfile.ZipFile(path) as archive:
        assert WakerConfig.from_json(archive.read("infra/waker/config.json").decode()) == CONFIG
