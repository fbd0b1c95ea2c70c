"""Failures show up in the right alarm, end to end. On simulators.

Each model has a failure of its own, all at the same time: whatever another alarm of any model says is wrong.
The cloud runs at AWS's speed: heartbeats come by real time, so in faster minutes agents would seem silent.
"""

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.embedded.client import Cloud
from infra.environment import names
from tests.e2e.failures import (
    AgentHangs,
    AgentKilled,
    EngineKilled,
    Failure,
    InstancesLost,
    PageBroken,
    Site,
)
from tests.e2e.harness import Project, eventually, project

NAME = "ward"
ENVIRONMENT = """\
environment: ward
provider: {{name: embedded, region: us-east-1, account: "123456789012"}}
network: {{cidr: 10.42.0.0/16}}
endpoint: {{allow_cidrs: [127.0.0.0/8], port: 8080, default_model: engine}}
monitoring: {{interval: 5s, notify: ["{hook}"]}}
models:
  engine: &model
    source: hf://example/chat-7B
    engine: {{name: simulator, version: "1"}}
    instances: {{types: [g5.xlarge], zones: [us-east-1a, us-east-1b]}}
    replicas: {{min: 2, max: 2}}
    routing: {{deregistration_delay: 5s}}
    alarms: {{capacity_short: 5m}}
  agent: *model
  hung: *model
  page: *model
  instance:
    <<: *model
    alarms: &short {{capacity_short: 2m}}  # longer than the deploy's own shortage
  fleet:
    <<: *model
    alarms: *short
    replicas: {{min: 1, max: 1}}
"""
SHORT = "capacity-short"
SLACK = 60
"""Seconds, one period: the documented times are AWS's, this machine may be busy."""
DOCUMENTATION = Path(__file__).parents[2] / "docs/operations.md"
ROW = re.compile(r"\| \[`([a-z-]+)`\].*?\| (\d+) s \| (\d+) s \|")

pytestmark = [pytest.mark.terraform, pytest.mark.slow, pytest.mark.xdist_group("ward")]


def documented() -> dict[str, tuple[int, int]]:
    """Within how many seconds each kind of alarm fires and clears, by the documentation."""
    rows = {kind: (int(fires), int(clears)) for kind, fires, clears in ROW.findall(DOCUMENTATION.read_text())}
    fires, clears = rows[SHORT]
    # Documented with the default of 20 minutes; here two are enough.
    return rows | {SHORT: (fires - 18 * 60, clears), "outage": rows["no-healthy-replica"]}


@dataclass
class Hook:
    """A web hook, and what it was told of alarms: name and new state."""

    told: list[tuple[str, str]] = field(default_factory=list)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Its URL, while it listens."""
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                """Take a message of SNS."""
                envelope = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if envelope["Type"] == "Notification":
                    message = json.loads(envelope["Message"])
                    told.append((message["AlarmName"], message["NewStateValue"]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                """Nobody wants to read it."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@dataclass
class Alarms:
    """CloudWatch's alarms of the environment, as they are and were."""

    cloud: Cloud

    def __post_init__(self) -> None:
        self._client: Any = boto3.client(
            "cloudwatch",
            endpoint_url=self.cloud.api_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def states(self) -> Mapping[str, str]:
        """State of each, by name."""
        pages = self._client.get_paginator("describe_alarms").paginate(
            AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        return {
            alarm["AlarmName"]: alarm["StateValue"]
            for page in pages
            for kind in ("MetricAlarms", "CompositeAlarms")
            for alarm in page[kind]
        }

    def changes(self, name: str, since: float) -> list[tuple[float, str]]:
        """Times (epoch seconds) and new states of an alarm, oldest first."""
        items = self._client.describe_alarm_history(
            AlarmName=name, HistoryItemType="StateUpdate", ScanBy="TimestampAscending"
        )["AlarmHistoryItems"]
        found = [
            (item["Timestamp"].timestamp(), json.loads(item["HistoryData"])["newState"]["stateValue"])
            for item in items
        ]
        return [(at, state) for at, state in found if at >= since]


@dataclass
class Story:
    """What happened: the failures, what became of the alarms, and who was told."""

    failures: list[Failure]
    courses: Mapping[str, list[tuple[float, str]]]
    """Changes since the models were broken, by alarm's name."""
    told: list[tuple[str, str]]

    def course(self, failure: Failure, kind: str) -> list[tuple[float, str]]:
        """Changes of one of a failure's alarms."""
        return self.courses[names.alarm(NAME, failure.model, kind)]

    def times(self, failure: Failure, kind: str) -> tuple[float, float]:
        """Seconds from the failure's begin to the alarm, and from its end to the alarm's."""
        (fired, _), (cleared, _) = self.course(failure, kind)
        return fired - failure.began, cleared - failure.well

    def table(self) -> str:
        """Documented and measured times."""
        lines = [f"{'model':10}{'alarm':20}{'fires':>14}{'documented':>12}{'clears':>14}{'documented':>12}"]
        for failure in self.failures:
            for kind in failure.alarms:
                fires, clears = documented()[kind]
                fired, cleared = self.times(failure, kind)
                times = f"{fired:>12.0f} s{fires:>10} s{cleared:>12.0f} s{clears:>10} s"
                lines.append(f"{failure.model:10}{kind:20}{times}")
        return "\n".join(lines)


def failures(site: Site) -> list[Failure]:
    """A failure for each model, and the alarms that it shall raise."""
    return [
        EngineKilled(site, "engine", 2, ["engine-failing"]),
        AgentKilled(site, "agent", 2, ["engine-failing"]),
        AgentHangs(site, "hung", 2, ["agent-silent"]),
        PageBroken(site, "page", 2, ["metrics-missing"]),
        InstancesLost(site, "instance", 2, [SHORT]),
        InstancesLost(site, "fleet", 1, [SHORT, "no-healthy-replica", "outage"]),
    ]


def live_through(broken: list[Failure], states: Callable[[], Mapping[str, str]], deadline: float) -> None:
    """Break all models, mend each once its alarms have fired, and wait until all alarms are over."""
    for failure in broken:
        failure.begin()
    waiting = {failure.model: set(failure.alarms) for failure in broken}
    while time.time() < deadline:
        now = states()
        for failure in broken:
            alarmed = {
                kind for kind in failure.alarms if now[names.alarm(NAME, failure.model, kind)] == "ALARM"
            }
            waiting[failure.model] -= alarmed
            failure.look(seen=not waiting[failure.model])
        if (
            all(failure.well for failure in broken)
            and not any(waiting.values())
            and "ALARM" not in now.values()
        ):
            return
        time.sleep(1)  # an end-to-end test can only poll


@pytest.fixture(scope="module")
def hook() -> Hook:
    """Who is told."""
    return Hook()


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory, hook: Hook) -> Iterator[Project]:
    """A deployed environment."""
    with (
        hook.serving() as url,
        project(tmp_path_factory.mktemp("ward"), NAME, ENVIRONMENT.format(hook=url)) as made,
    ):
        made.ok("deploy", "--env", NAME, "--yes")
        yield made


@pytest.fixture(scope="module")
def story(ward: Project, hook: Hook) -> Story:
    """All that happens, once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLMCTL_STATE_DIR", ward.variables["LLMCTL_STATE_DIR"])
        cloud = Cloud.locate(NAME)
    assert cloud
    alarms = Alarms(cloud)
    eventually(lambda: set(alarms.states().values()) == {"OK"}, within=200, what="all alarms are quiet")
    hook.told.clear()
    broken = failures(Site(cloud, NAME, ward.ok("api-key", "--env", NAME).out.strip()))
    began = time.time()
    live_through(broken, alarms.states, began + 480)
    courses = {name: alarms.changes(name, began) for name in alarms.states()}
    return Story(broken, courses, list(hook.told))


def test_each_failure_raises_its_alarms_and_no_others(story: Story) -> None:
    """Who is woken at night can trust the alarm's name; no other alarm of any model says a word."""
    expected = {
        names.alarm(NAME, failure.model, kind) for failure in story.failures for kind in failure.alarms
    }
    changed = {name: [state for _, state in course] for name, course in story.courses.items() if course}
    assert changed == {name: ["ALARM", "OK"] for name in expected}


def test_alarms_fire_within_their_documented_time(story: Story) -> None:
    """How long a failure goes unnoticed is promised."""
    for failure in story.failures:
        for kind in failure.alarms:
            fires, _ = documented()[kind]
            assert 0 < story.times(failure, kind)[0] <= fires + SLACK, (failure.model, kind)


def test_alarms_clear_within_their_documented_time(
    story: Story, record_property: Callable[[str, object], None]
) -> None:
    """An alarm that stays on after the recovery hides the next failure."""
    sys.stdout.write(f"\n{story.table()}\n")
    record_property("alarms", story.table())
    for failure in story.failures:
        for kind in failure.alarms:
            _, clears = documented()[kind]
            assert story.times(failure, kind)[1] <= clears + SLACK, (failure.model, kind)


def test_the_web_hook_is_told_of_each_once(story: Story) -> None:
    """Begin and end of each; what speaks through a composite doesn't speak for itself."""
    speaking = [
        names.alarm(NAME, failure.model, kind)
        for failure in story.failures
        for kind in failure.alarms
        if kind != "no-healthy-replica"
    ]
    assert sorted(story.told) == sorted((name, state) for name in speaking for state in ("ALARM", "OK"))


def test_the_environment_is_as_it_was(ward: Project, story: Story) -> None:
    """Failures leave nothing for Terraform to repair, and all replicas are back."""
    assert all(len(ward.healthy(failure.model)) == failure.replicas for failure in story.failures)
    assert ward.run("plan", "--env", NAME).code == 0
