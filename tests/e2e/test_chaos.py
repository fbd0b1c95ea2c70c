"""Chaos suites against running models: each keeps to its budget, and leaves nothing broken behind.

On simulators. Suites that harm one model run side by side, each on a model of its own; the storm, which harms
the whole cloud, runs alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.harness import Project, eventually, project
from tests.e2e.rollouts import cloud_of

NAME = "chaos"
MODELS = ("a", "b", "c", "d")
RATE = 20
NO_CHANGES = 0
HEAD = """\
environment: chaos
provider: {name: embedded, region: us-east-1, account: "123456789012"}
network: {cidr: 10.48.0.0/16}
endpoint: {allow_cidrs: [127.0.0.0/8], port: 8080, default_model: a, auth: none}
monitoring: {interval: 5s}
chaos: {allow: true}
models:
"""
MODEL = """\
  %s:
    source: hf://example/chat-7B
    engine: {name: simulator, version: "1", args: {ttft: 0.05}}
    batching: {max_sequences: 64}
    instances: {types: [g5.xlarge], zones: [us-east-1a, us-east-1b]}
    replicas: {min: 2, max: 3}
    spot: {overprovision: 1, hold: 5s, longest_hold: 30s}
    routing: {deregistration_delay: 20s}
"""
OWN = """\
name: own
lasts: 45s
budget: {failed: 0, truncated: 0}
steps:
  - {at: 5s, do: market, for: 20s, trace: market.csv}
  - {at: 5s, do: faults, for: 20s, throttle: 0.2}
"""

pytestmark = [
    pytest.mark.terraform,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.xdist_group("chaos"),
]


@pytest.fixture(scope="module")
def chaos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A deployed project: four models, each of two replicas and an extra one, on the spot market."""
    text = HEAD + "".join(MODEL % model for model in MODELS)
    with project(tmp_path_factory.mktemp("chaos"), NAME, text) as made:
        made.ok("deploy", "--env", NAME, "--yes")
        yield made


def run_all(chaos: Project, suites: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The reports of suites, side by side: each with its model, and what else it is told."""

    def report(suite: str, told: Sequence[str]) -> Any:
        model, *options = told
        arguments = ("chaos", "run", suite, "--env", NAME, "--model", model, "--rate", str(RATE), "--json")
        result = chaos.run(*arguments, *options, timeout=600)
        assert result.out, result
        return result.json()

    with ThreadPoolExecutor(len(suites)) as pool:
        return dict(zip(suites, pool.map(report, suites.keys(), suites.values()), strict=True))


def restored(chaos: Project) -> bool:
    """Whether each model has all of its replicas again."""
    return all(len(chaos.healthy(model)) == 3 for model in MODELS)


@pytest.mark.parametrize(
    "suites",
    [
        {"hang": "a", "disk": "b", "metadata": "c", "stuck-agent": "d"},
        {"kill": "a", "agent": "b", "clock": "c", "notice": ("d", "--fis")},
        {"storm": "d"},
    ],
    ids="+".join,
)
def test_a_suite_keeps_to_its_budget(chaos: Project, suites: Mapping[str, Sequence[str]]) -> None:
    """Under constant load; whom it hit is said, and afterwards all is well again by itself.

    The notice is given by the Fault Injection Service, as in an account: Terraform made the experiment.
    """
    for suite, told in run_all(chaos, suites).items():
        assert told["passed"], (suite, told["misses"], told["failures"])
        assert told["offered"] > 0.9 * RATE * told["seconds"], suite
        hits = [hit for hit in told["hits"] if "throttle" not in hit["what"]]
        assert hits, suite
        assert all(hit["instances"] for hit in hits), hits
    eventually(lambda: restored(chaos), within=180, what="all replicas are there again", every=2)
    assert chaos.run("plan", "--env", NAME).code == NO_CHANGES


def test_a_suite_of_ones_own(chaos: Project) -> None:
    """From a file, with a trace: what was injected is undone at the end."""
    (chaos.folder / "own.yaml").write_text(OWN)
    (chaos.folder / "market.csv").write_text("seconds,x,y\n0,9,9\n10,8,8\n20,9,9\n")
    told = run_all(chaos, {"own.yaml": "b"})["own.yaml"]
    assert told["passed"], (told["misses"], told["failures"])
    assert not cloud_of(chaos).market()["capacity"]
    assert cloud_of(chaos).faults()["throttle"] == 0
