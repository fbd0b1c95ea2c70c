"""The spot market takes what it wants, under constant traffic: one, half, all; with and without a notice.

On simulators. A notice leaves two minutes, as EC2's do. The tests follow each other on one cloud.
"""

import json
import math
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from openai import OpenAI, OpenAIError

from infra.aws.session import Session
from tests.e2e.harness import Project, eventually, project
from tests.e2e.rollouts import Load, cloud_of

NAME = "market"
RATE = 50
"""Requests a second of each kind: streams, and whole answers."""
LONGEST = 1200
WANTED = 3
ZONES = ("us-east-1a", "us-east-1b")
NOTICE_SECONDS = 120
COLD_START = 60
"""Seconds; a simulator starts in a few, on a busy machine in more."""
GUARDIAN_PERIOD = 60
LONGEST_HOLD = 30
NO_CHANGES = 0
ENVIRONMENT = """\
environment: market
provider: {name: embedded, region: us-east-1, account: "123456789012"}
network: {cidr: 10.45.0.0/16}
endpoint: {allow_cidrs: [127.0.0.0/8], port: 8080, default_model: chat}
monitoring: {interval: 5s}
models:
  chat:
    source: hf://example/chat-7B
    engine: {name: simulator, version: "1"}
    batching: {max_sequences: 64}
    instances: {types: [g5.xlarge], zones: [us-east-1a, us-east-1b]}
    replicas: {min: 3, max: 4}
    spot: {overprovision: 1, spare: 0, hold: 5s, longest_hold: 30s, standby: 1}
    routing: {deregistration_delay: 20s}
"""

pytestmark = [
    pytest.mark.terraform,
    pytest.mark.slow,
    pytest.mark.timeout(900),  # the first test deploys as well
    pytest.mark.xdist_group("market"),
]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A deployed project: three replicas and an extra one, on the spot market."""
    with project(tmp_path_factory.mktemp("market"), NAME, ENVIRONMENT) as made:
        made.ok("deploy", "--env", NAME, "--yes")
        yield made


@pytest.fixture(scope="module")
def load(market: Project) -> Iterator[Load]:
    """Traffic from the first test to the one that counts."""
    with Load(market, "chat", rate=RATE, seconds=LONGEST).running() as made:
        yield made


def healthy(market: Project, kind: str) -> set[str]:
    """Replicas of a market that serve."""
    return {each["id"] for each in market.replicas() if each["market"] == kind and each["phase"] == "healthy"}


def noticed(market: Project, count: int) -> set[str]:
    """Give so many spot replicas a notice."""
    taken = set(sorted(healthy(market, "spot"))[:count])
    assert len(taken) == count
    for instance in taken:
        cloud_of(market).interrupt_instance(instance, NOTICE_SECONDS)
    return taken


def restored(market: Project, without: set[str]) -> bool:
    """Whether as many spot replicas serve as before, none of those taken among them."""
    found = healthy(market, "spot")
    return len(found) == WANTED + 1 and not found & without


def test_one_with_a_notice(market: Project, load: Load) -> None:
    """Another one serves before it is gone; it drains within its notice, and says so."""
    (taken,) = noticed(market, 1)
    what = "another one takes its place"
    eventually(lambda: restored(market, {taken}), within=NOTICE_SECONDS, what=what, every=2)
    told = [each for each in events(market) if taken in each["actor"]]
    assert any("the spot market takes this instance" in str(each) for each in told), told


def test_half_of_the_fleet_at_once(market: Project, load: Load) -> None:
    """The rest carries the load until they are replaced."""
    taken = noticed(market, 2)
    within = NOTICE_SECONDS + COLD_START
    eventually(lambda: restored(market, taken), within=within, what="they are replaced", every=2)


def standing_by(market: Project) -> set[str]:
    """Instances that are stopped."""
    instances = market.ok("local", "status", NAME, "--json").json()["instances"]
    return {each["id"] for each in instances if each["phase"] == "stopped"}


def test_one_stands_by(market: Project, load: Load) -> None:
    """The guardian keeps a stopped instance for the live slot, which nobody takes for a replica."""
    what = "an instance is prepared and stopped"
    eventually(lambda: standing_by(market), within=GUARDIAN_PERIOD + COLD_START, what=what, every=2)
    assert not standing_by(market) & {each["id"] for each in market.replicas()}
    assert market.run("plan", "--env", NAME).code == NO_CHANGES


def test_no_spot_at_all(market: Project, load: Load) -> None:
    """On-demand replaces it within a period of the guardian and a cold start; the plan stays empty.

    Who stood by is the first to come.
    """
    (ready,) = standing_by(market)
    cloud_of(market).set_market([(0, dict.fromkeys(ZONES, 0))], notice=NOTICE_SECONDS)
    within = GUARDIAN_PERIOD + COLD_START
    what = "on-demand replaces spot"
    eventually(lambda: len(healthy(market, "on-demand")) >= WANTED, within=within, what=what, every=2)
    assert ready in healthy(market, "on-demand")
    serving = healthy(market, "on-demand")
    market.run("deploy", "--env", NAME, "--yes", "--timeout", "1s")  # spot doesn't come: it can't be ready
    assert serving <= healthy(market, "on-demand"), "a deploy takes away what the guardian added"
    eventually(lambda: not healthy(market, "spot"), within=NOTICE_SECONDS + 30, what="spot is gone", every=2)
    told = {each["what"]: each["kind"] for each in drift(market)["findings"]}
    assert told["llmctl-market-chat-blue-on-demand"] == "expected motion"
    assert market.run("plan", "--env", NAME).code == NO_CHANGES


def test_spot_comes_back(market: Project, load: Load) -> None:
    """On-demand is given back a hold after spot is ready, at the guardian's next look."""
    cloud_of(market).set_market()
    # A group that failed to launch tries again after a minute at most.
    within = 60 + COLD_START + LONGEST_HOLD + GUARDIAN_PERIOD + 30
    eventually(
        lambda: restored(market, set()) and not healthy(market, "on-demand"),
        within=within,
        what="on-demand is back at its base",
        every=2,
    )
    sizes = [each["action"] for each in events(market) if each["action"].startswith("on demand")]
    assert (sizes[0], sizes[-1]) == ("on demand added", "on demand given back")
    assert market.run("plan", "--env", NAME).code == NO_CHANGES


def test_nothing_was_lost(market: Project, load: Load) -> None:
    """Through all of it no request failed, and no stream was cut: each fits into its notice."""
    for report in load.stop():
        requests = report["requests"]
        assert requests["failed"] == 0, report["failures"]
        assert requests["succeeded"] > RATE * NOTICE_SECONDS


def test_all_replacements_booted_the_live_release(market: Project) -> None:
    """Whoever asked for them, group or guardian."""
    assert {each["release"] for each in market.replicas()} == {1}


def test_one_without_a_notice(market: Project) -> None:
    """At most what was in flight on it fails; a client that asks again, as OpenAI's do, never notices."""
    with Load(market, "chat", rate=RATE, seconds=LONGEST).running() as load, asking(market) as asked:
        eventually(lambda: asked["answered"] > RATE, within=60, what="clients are served")
        (taken, *_) = healthy(market, "spot")
        cloud_of(market).kill_instance(taken)
        eventually(lambda: restored(market, {taken}), within=COLD_START + 60, what="it is replaced", every=2)
        reports = load.stop()
    assert set(asked) == {"answered"}, asked
    failed = sum(report["requests"]["failed"] for report in reports)
    assert failed <= most_in_flight(reports), [report["failures"] for report in reports]


def most_in_flight(reports: Sequence[Mapping[str, Any]]) -> float:
    """Of one replica: the mean by Little's law, and four standard deviations of Poisson's distribution."""
    mean = sum(float(each["rate"]["offered"] * each["end_to_end"]["from_send"]["mean"]) for each in reports)
    return mean / (WANTED + 1) + 4 * math.sqrt(mean / (WANTED + 1))


@contextmanager
def asking(market: Project) -> Iterator[Counter[str]]:
    """Four of OpenAI's clients that ask all the time for whole answers, with the retries they come with."""
    (model,) = market.ok("status", "--env", NAME, "--json").json()["models"]
    client = OpenAI(base_url=model["url"], api_key=market.ok("api-key", "--env", NAME).out.strip())
    counted: Counter[str] = Counter()
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                client.completions.create(model="chat", prompt="Hello", max_tokens=8)
                counted["answered"] += 1
            except OpenAIError as error:
                counted[str(error)] += 1

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield counted
    finally:
        over.set()
        for thread in threads:
            thread.join()
        client.close()


def drift(market: Project) -> Any:
    """What `drift` says."""
    return market.run("drift", "--env", NAME, "--json").json()


def test_a_change_by_hand_is_told(market: Project) -> None:
    """A resource and a size that somebody moved; a deploy puts both back."""
    assert not drift(market)["drifted"]
    group = "llmctl-market-chat-blue-spot"
    session = Session("us-east-1", cloud_of(market).environment())
    session.autoscaling.update_auto_scaling_group(AutoScalingGroupName=group, MinSize=0, MaxSize=9)
    told = {each["what"]: each["kind"] for each in drift(market)["findings"]}
    assert told == {
        "aws_autoscaling_group.model_chat_blue_spot_group": "manual change",
        group: "manual change",
    }
    market.ok("deploy", "--env", NAME, "--yes")
    assert not drift(market)["drifted"]


def events(market: Project) -> list[dict[str, Any]]:
    """All events, the oldest first."""
    lines = market.ok("events", "--env", NAME, "--json").out.splitlines()
    return [json.loads(line) for line in lines]
