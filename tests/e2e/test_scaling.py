"""Target tracking end to end: load brings replicas, its end takes them away, and only where it was.

On simulators. The cloud's monitoring lives ten times faster than AWS's: a minute of alarms and policies lasts
six seconds.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.embedded.client import Cloud
from infra.environment import names
from infra.environment.slots import Market, Slot
from tests.e2e.harness import Project, eventually, project

NAME = "rush"
SPEED = "10"
STEADY, RUSH = 1, 7
"""Requests a second: all the time, and on top of that for a while.

Together 48 in an emulated minute of six seconds. At a target of 12.4 a replica that is 3.9 replicas: four,
not three, even if the last second of a minute isn't counted yet, and not five, although five may be had. What
is steady needs less than one.
"""
TARGET = 12.4
RUSH_SECONDS = 60
EMPTY = 0
"""Exit code of a plan without changes."""

ENVIRONMENT = """\
environment: rush
provider: {{name: embedded, region: us-east-1, account: "123456789012"}}
network: {{cidr: 10.41.0.0/16}}
endpoint: {{allow_cidrs: [127.0.0.0/8], port: 8080, default_model: french}}
monitoring: {{interval: 5s}}
models:
  french:
    {common}
    batching: {{max_sequences: 8}}
    replicas: {{min: 2, max: 6}}
    scaling: {{target: {target}}}
  spanish:
    {common}
    batching: {{max_sequences: 8}}
    replicas: {{min: 2, max: 6}}
    scaling: {{metric: concurrency, target: 4}}
  dutch:
    {common}
    replicas:
      min: 1
      max: 2
      schedule:
        - {{cron: "{earlier}", min: 1}}
        - {{cron: "{soon}", min: 2}}
    scaling: {{target: {target}}}
"""
COMMON = """\
source: hf://example/chat-7B
    engine: {name: simulator, version: "1"}
    instances: {types: [g5.xlarge], zones: [us-east-1a, us-east-1b]}
    routing: {deregistration_delay: 5s}"""

pytestmark = [pytest.mark.terraform, pytest.mark.slow, pytest.mark.xdist_group("rush")]


class Watch:
    """Every second, how many replicas each model wants."""

    def __init__(self, cloud: Cloud, models: tuple[str, ...]) -> None:
        self._groups = {names.group(NAME, model, Slot.BLUE, Market.SPOT): model for model in models}
        self._client: Any = boto3.client(
            "autoscaling",
            endpoint_url=cloud.api_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self.seen: dict[str, list[int]] = {model: [] for model in models}

    def look(self) -> None:
        """Take one sample."""
        found = self._client.describe_auto_scaling_groups(AutoScalingGroupNames=list(self._groups))
        for group in found["AutoScalingGroups"]:
            self.seen[self._groups[group["AutoScalingGroupName"]]].append(group["DesiredCapacity"])

    def wanted(self, model: str) -> int:
        """The latest sample."""
        return self.seen[model][-1]

    def course(self, model: str) -> list[int]:
        """All samples of a model, each change once."""
        return [value for value, _ in groupby(self.seen[model])]

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Take samples meanwhile."""
        done = threading.Event()

        def sample() -> None:
            while not done.wait(1):
                self.look()

        thread = threading.Thread(target=sample, daemon=True)
        self.look()
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


@pytest.fixture(scope="module")
def rush(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A deployed project with two models that scale, and one whose minimum rises in some minutes."""
    soon = datetime.now(UTC) + timedelta(minutes=4)
    text = ENVIRONMENT.format(
        common=COMMON,
        target=TARGET,
        earlier=f"{soon - timedelta(hours=1):%M %H * * *}",
        soon=f"{soon:%M %H * * *}",
    )
    with project(tmp_path_factory.mktemp("rush"), NAME, text) as made:
        made.ok("local", "up", NAME, "--speed", SPEED)
        made.ok("deploy", "--env", NAME, "--yes")
        yield made


@pytest.fixture(scope="module")
def watch(rush: Project) -> Iterator[Watch]:
    """What each model wanted, from the deploy to the end of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLMCTL_STATE_DIR", rush.variables["LLMCTL_STATE_DIR"])
        cloud = Cloud.locate(NAME)
    assert cloud
    made = Watch(cloud, ("french", "spanish", "dutch"))
    with made.watching():
        yield made


@pytest.fixture(scope="module")
def steady(rush: Project) -> Iterator["Load"]:
    """Few requests, all the time: those that a replica's start or end would hurt."""
    with Load(rush, STEADY, 400).running() as load:
        yield load


class Load:
    """An `llmctl bench` of the French model in the background."""

    def __init__(self, rush: Project, rate: int, seconds: int) -> None:
        self._report = rush.folder / f"rate-{rate}.json"
        self._arguments = (
            *("bench", "--env", NAME, "french", "--rate", str(rate), "--duration", f"{seconds}s"),
            *("--warmup", "0s", "--max-tokens", "16", "--output", str(self._report)),
        )
        self._process = rush.start(*self._arguments)

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Hold it, and end it at the latest at the end."""
        try:
            yield self
        finally:
            self._process.kill()
            self._process.communicate()

    def stop(self) -> Mapping[str, Any]:
        """End it as Ctrl-C does; how its requests fared."""
        os.kill(self._process.pid, signal.SIGINT)
        return self.result()

    def result(self) -> Mapping[str, Any]:
        """Wait for its end; how its requests fared."""
        self._process.communicate(timeout=120)
        report: Mapping[str, Any] = json.loads(Path(self._report).read_text())
        return report


def test_load_brings_four_replicas(rush: Project, watch: Watch, steady: Load) -> None:
    """Load for four brings exactly four in one step, stays at four, and disturbs neither plan nor deploy."""
    assert watch.course("french") == [2]
    with Load(rush, RUSH, RUSH_SECONDS).running() as load:
        began = time.monotonic()
        eventually(lambda: watch.wanted("french") > 2, within=60, what="the policy acts")
        # Three datapoints above the target, of emulated minutes: not at the first one.
        assert time.monotonic() - began > 3 * 60 / float(SPEED) - 6
        eventually(lambda: len(rush.healthy("french")) == 4, within=60, what="four replicas serve")
        assert rush.run("plan", "--env", NAME).code == EMPTY
        again = rush.ok("deploy", "--env", NAME, "--yes")
        assert "no changes" in (again.out + again.err).lower()
        report = load.result()
    assert report["requests"]["failed"] == 0, report["failures"]
    assert watch.course("french") == [2, 4]


def end_of_the_rush(project_: Project) -> float:
    """When its last request was sent, by its report; epoch seconds."""
    report = json.loads((project_.folder / f"rate-{RUSH}.json").read_text())
    return datetime.fromisoformat(report["started"]).timestamp() + float(report["window"])


def test_its_end_takes_them_away(rush: Project, watch: Watch, steady: Load) -> None:
    """Back to two, not before fifteen minutes of little to do, without a failed request."""
    ended = end_of_the_rush(rush)
    eventually(lambda: watch.wanted("french") == 2, within=150, what="the policy takes replicas away")
    # Emulated minutes, of which the first may have begun under load.
    assert time.time() - ended > 13 * 60 / float(SPEED)
    eventually(lambda: len(rush.replicas("french")) == 2, within=60, what="two replicas are left")
    report = steady.stop()
    assert report["requests"]["succeeded"] > 0
    assert report["requests"]["failed"] == 0, report["failures"]
    assert watch.course("french") == [2, 4, 2]


def test_the_other_model_stays_as_it_is(rush: Project, watch: Watch) -> None:
    """Load on the French model leaves the Spanish one alone."""
    assert watch.course("spanish") == [2]
    assert len(rush.healthy("spanish")) == 2


def test_a_scheduled_minimum_comes_in_its_time(rush: Project, watch: Watch) -> None:
    """The minimum rises when its time has come; a deploy afterwards (its plan is empty) leaves it there."""
    eventually(lambda: watch.wanted("dutch") == 2, within=200, what="the minimum rises")
    again = rush.ok("deploy", "--env", NAME, "--yes")
    assert "no changes" in (again.out + again.err).lower()
    assert watch.course("dutch") == [1, 2]
    assert len(rush.healthy("dutch")) == 2
