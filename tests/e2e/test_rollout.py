"""Constant traffic through everything: upgrade, apply, abort, killed drivers, rollback, watchdog.

On simulators. The tests follow each other on one cloud, under one load; the last one counts what was lost.
"""

from collections.abc import Iterator

import pytest

from tests.e2e.harness import Project, project
from tests.e2e.rollouts import Driver, Load, journal, reaches, shares, status, upgrade, weights

NAME = "shift"
RATE = 100
"""Requests a second of each kind: streams, and whole answers."""
STEPS = (25, 50, 100)
APPLIED_AT = 50
LONGEST = 1800
PROMOTED, CONFLICT, ROLLED_BACK = 0, 3, 4
NO_CHANGES = 0

ENVIRONMENT = """\
environment: shift
provider: {name: embedded, region: us-east-1, account: "123456789012"}
network: {cidr: 10.43.0.0/16}
endpoint: {allow_cidrs: [127.0.0.0/8], port: 8080, default_model: chat}
monitoring: {interval: 5s}
models:
  chat:
    source: hf://example/chat-7B
    engine: {name: simulator, version: "1"}
    batching: {max_sequences: 64}
    instances: {types: [g5.xlarge], zones: [us-east-1a, us-east-1b]}
    replicas: {min: 2, max: 4}
    routing: {deregistration_delay: 10s}
    rollout:
      steps: [25, 50, 100]
      bake: 12s
      propagation: 2s
      patience: 60s
      capacity_timeout: 90s
      keep_previous: 10m
      watchdog: 5s
      # Wide: on a machine that does other things at the same time, times say little.
      gates:
        latency_p95: {worse_by: 200, min_samples: 20}
        ttft_p95: {worse_by: 200, min_samples: 20}
        tpot_p95: {worse_by: 200, min_samples: 20}
        error_rate: {worse_by: 0.5, min_samples: 20}
  spare:
    source: hf://example/chat-7B
    engine: {name: simulator, version: "1"}
    instances: {types: [g5.xlarge], zones: [us-east-1a]}
    replicas: {min: 1, max: 2}
    routing: {deregistration_delay: 5s}
    rollout:
      steps: [50, 100]
      bake: 1h
      propagation: 1s
      watchdog: 5s
"""
THIRD = """\
  third:
    source: hf://example/chat-7B
    engine: {name: simulator, version: "1"}
    instances: {types: [g5.xlarge], zones: [us-east-1a]}
    replicas: {min: 1, max: 2}
"""

pytestmark = [
    pytest.mark.terraform,
    pytest.mark.slow,
    pytest.mark.timeout(1200),  # the first test deploys as well
    pytest.mark.xdist_group("shift"),
]


@pytest.fixture(scope="module")
def shift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A deployed project."""
    with project(tmp_path_factory.mktemp("shift"), NAME, ENVIRONMENT) as made:
        made.ok("deploy", "--env", NAME, "--yes")
        yield made


@pytest.fixture(scope="module")
def load(shift: Project) -> Iterator[Load]:
    """Traffic from the first test to the last."""
    with Load(shift, "chat", rate=RATE, seconds=LONGEST).running() as made:
        yield made


@pytest.fixture(scope="module")
def forsaken(shift: Project) -> Driver:
    """An upgrade of the other model whose driver is killed at half of the traffic; nobody resumes it."""
    driver = upgrade(shift, "spare", "--set", "engine.args.ttft=0.04")
    reaches(shift, "spare", release=2, phase="baking", weight=50)
    driver.kill()
    return driver


def test_an_upgrade_with_an_apply_in_its_middle(shift: Project, load: Load, forsaken: Driver) -> None:
    """Terraform's plan is empty at each step, and a third model leaves the weights byte-identical."""
    driver = upgrade(shift, "chat", "--set", "engine.args.ttft=0.06", "--pause-at", "25,50,100")
    for weight in STEPS:
        reaches(shift, "chat", release=2, phase="paused", weight=weight)
        assert shift.run("plan", "--env", NAME).code == NO_CHANGES
        if weight == APPLIED_AT:
            before = weights(shift, "chat")
            shift.file.write_text(shift.file.read_text() + THIRD)
            shift.ok("deploy", "--env", NAME, "--yes", "--no-rollout")
            assert weights(shift, "chat") == before
            assert status(shift, "chat")["phase"] == "paused"
        shift.ok("promote", "--env", NAME, "chat")
    assert driver.ends(within=240) == PROMOTED, driver.talk
    assert {replica["release"] for replica in shift.replicas("chat")} == {1, 2}


def test_each_step_had_its_share(shift: Project, load: Load) -> None:
    """What the balancer was seen to send fits the weights, at each of them."""
    found = shares(shift, "chat")
    assert set(found) == set(STEPS)
    for weight, verdicts in found.items():
        assert verdicts[-1]["answer"] == "pass", (weight, verdicts)


@pytest.mark.parametrize(("release", "weight"), [(3, 25), (4, 50), (5, 100)])
def test_an_abort_at_each_step(shift: Project, load: Load, release: int, weight: int) -> None:
    """All traffic goes back to the old release, and the driver says that it was a person."""
    change = f"engine.args.ttft=0.0{release}"
    driver = upgrade(shift, "chat", "--set", change, "--bake", "5s", "--pause-at", str(weight))
    reaches(shift, "chat", release=release, phase="paused", weight=weight)
    shift.ok("abort", "--env", NAME, "chat", "--yes")
    assert driver.ends(within=200) == ROLLED_BACK, driver.talk
    found = status(shift, "chat")
    assert (found["cause"], found["weight"]) == ("user", 0)
    assert {replica["release"] for replica in shift.replicas("chat")} == {2}


def test_a_driver_killed_at_each_step_is_succeeded(shift: Project, load: Load) -> None:
    """Killed while replicas start and at each weight, it ends as if it had not been; one drives at a time."""
    driver = upgrade(shift, "chat", "--set", "engine.args.ttft=0.055")
    reaches(shift, "chat", release=6, phase="scaling")
    text = shift.file.read_text()
    other = shift.run("upgrade", "--env", NAME, "chat", "--set", "engine.args.ttft=0.09", "--yes")
    assert other.code == CONFLICT, other
    assert shift.file.read_text() == text
    driver = succeeded(shift, driver)
    for weight in STEPS:
        reaches(shift, "chat", release=6, phase="baking", weight=weight)
        driver = succeeded(shift, driver)
    assert shift.run("plan", "--env", NAME).code == NO_CHANGES
    assert driver.ends(within=390) == PROMOTED, driver.talk
    told = {entry["kind"] for entry in journal(shift, "chat")}
    assert {"began", "phase", "intent", "outcome", "judged", "lease"} <= told


def succeeded(project_: Project, driver: Driver) -> Driver:
    """Another one, which watched the first until that was killed, and now drives."""
    second = Driver(project_.start("resume", "--env", NAME, "chat"))
    assert "chat" in second.hear()
    driver.kill()
    return second


def test_a_rollback_takes_one_call(shift: Project, load: Load) -> None:
    """The old replicas are warm: none starts, and the weights are back at once."""
    before = {replica["id"] for replica in shift.replicas("chat") if replica["release"] != 6}
    shift.ok("rollback", "--env", NAME, "chat", "--yes")
    assert {replica["id"] for replica in shift.replicas("chat")} == before
    story = journal(shift, "chat")
    asked = max(index for index, entry in enumerate(story) if entry["kind"] == "request")
    intents = [entry["text"] for entry in story[asked:] if entry["kind"] == "intent"]
    assert "green 100" in intents[0]
    assert shift.run("plan", "--env", NAME).code == NO_CHANGES


def test_the_watchdog_took_the_forsaken_one_back(shift: Project, forsaken: Driver) -> None:
    """Nobody drove it: the function in the cloud gave all the traffic to the old release."""
    reaches(shift, "spare", release=2, phase="rolled back")
    assert status(shift, "spare")["cause"] == "watchdog"


def test_nothing_was_lost(shift: Project, load: Load) -> None:
    """Through all of it no request failed, no stream was cut, and all that was offered was served."""
    for report in load.stop():
        requests, rates = report["requests"], report["rate"]
        assert requests["failed"] == 0, report["failures"]
        assert requests["succeeded"] > 20_000
        assert rates["achieved"] == pytest.approx(rates["offered"], rel=0.01)
