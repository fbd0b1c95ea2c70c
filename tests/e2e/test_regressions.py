"""Releases that are worse, each in its own way: caught at the first step by the right gate, and taken back.

And good ones, which pass. On simulators, four models side by side. Terraform applies one upgrade after the
other; their steps overlap.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from openai import OpenAI

from tests.e2e.harness import Project, project
from tests.e2e.rollouts import Driver, Load, journal, reaches, status, upgrade

NAME = "worse"
RATES = {"errors": 20, "late": 6, "slow": 6, "wrong": 6}
"""Requests a second: two percent of errors need some hundred to be told from chance, the others few."""
LONGEST = 1800
PROMOTED, ROLLED_BACK = 0, 4
WITHIN = 300
PROMPTS = tuple(f"Say something about the number {number}." for number in range(12))
GOLDEN = "golden.jsonl"

HEAD = """\
environment: worse
provider: {name: embedded, region: us-east-1, account: "123456789012"}
network: {cidr: 10.44.0.0/16}
endpoint: {allow_cidrs: [127.0.0.0/8], port: 8080, default_model: errors, auth: none}
monitoring: {interval: 5s, times: proxy}
models:
"""
MODEL = """\
  {name}:
    source: hf://example/chat-7B
    engine: {{name: simulator, version: "1", args: {{ttft: {ttft}, time-per-token: 0.01}}}}
    instances: {{types: [g5.xlarge], zones: [us-east-1a, us-east-1b]}}
    replicas: {{min: 1, max: 2}}
    batching: {{max_sequences: 64}}
    routing: {{deregistration_delay: 5s}}
    rollout:
      steps: [50, 100]
      bake: 20s
      patience: 2m
      propagation: 1s
      capacity_timeout: {capacity}
      keep_previous: 1s
      inconclusive: rollback
      gates:
        latency_p95: {{off: true}}
        ttft_p95: {{worse_by: {times}, min_samples: 20}}
        tpot_p95: {{worse_by: {times}, min_samples: 20}}
        error_rate: {{worse_by: 0.5, min_samples: 20}}
"""
QUALITY = f"""\
      golden: {{{{prompts: {GOLDEN}, quality: {{{{scorer: exact}}}}}}}}
"""
MODELS = ("errors", "late", "slow", "wrong")
LATE = {"ttft": 1.0, "times": 20, "capacity": "30s"}
OTHERS = {"ttft": 0.2, "times": 50, "capacity": "2m"}
FIRST: Mapping[str, tuple[str, str]] = {
    "errors": ("engine.args.error-rate=0.02", "error_rate"),
    "late": ("engine.args.ttft=1.3", "ttft_p95"),
    "slow": ("engine.args.time-per-token=0.04", "tpot_p95"),
    "wrong": ("engine.args.garbled=true", "quality"),
}
"""The change of each model's release, and the gate that must catch it.

The first token is late by 30 %. What a busy machine adds to both releases alike hides a difference: so times
are long beside it.
"""
MENDED: Mapping[str, tuple[str, ...]] = {
    "errors": ("engine.args.error-rate=0", "engine.args.crash-after=0"),
    "slow": ("engine.args.time-per-token=0.01",),
    "wrong": ("engine.args.garbled=false",),
}
HEALTHY = tuple(f"engine.args.ttft=0.20{number}" for number in range(1, 5))

pytestmark = [
    pytest.mark.terraform,
    pytest.mark.slow,
    pytest.mark.timeout(1200),  # the first test deploys as well
    pytest.mark.xdist_group("worse"),
]


@pytest.fixture(scope="module")
def worse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Four models with an upgrade's gates; the wrong one's answers are known before anything changes."""
    text = HEAD + "".join(
        (MODEL + (QUALITY if name == "wrong" else "")).format(
            name=name, **(LATE if name == "late" else OTHERS)
        )
        for name in MODELS
    )
    with project(tmp_path_factory.mktemp("worse"), NAME, text) as made:
        (made.file.parent / GOLDEN).write_text(golden(dict.fromkeys(PROMPTS, "")))
        made.ok("deploy", "--env", NAME, "--yes")
        (made.file.parent / GOLDEN).write_text(golden(answers(made)))
        yield made


@pytest.fixture(scope="module")
def loads(worse: Project) -> Iterator[Mapping[str, Load]]:
    """Constant traffic on each model."""
    made = {name: Load(worse, name, rate=RATES[name], seconds=LONGEST, kinds=("stream",)) for name in MODELS}
    try:
        yield made
    finally:
        for load in made.values():
            with load.running():
                pass


def golden(references: Mapping[str, str]) -> str:
    """The prompts' file."""
    lines = [
        {"id": f"p{number}", "prompt": prompt, "reference": reference, "max_tokens": 12}
        for number, (prompt, reference) in enumerate(references.items())
    ]
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def answers(project_: Project) -> dict[str, str]:
    """What the release that is live says to each prompt."""
    endpoint = project_.ok("status", "--env", NAME, "--endpoint").out.strip()
    with OpenAI(base_url=f"{endpoint}/wrong/v1", api_key="none") as client:
        return {
            prompt: client.completions.create(
                model="wrong", prompt=prompt, max_tokens=12, temperature=0, seed=0
            )
            .choices[0]
            .text
            for prompt in PROMPTS
        }


def start(project_: Project, model: str, release: int, *changes: str) -> Driver:
    """An upgrade that has begun: the next one's Terraform may run."""
    driver = upgrade(project_, model, *(word for change in changes for word in ("--set", change)))
    reaches(project_, model, release=release, within=200)
    return driver


def failed_gates(found: Mapping[str, Any]) -> set[str]:
    """Of a rollout's last judgement."""
    return {verdict["gate"] for verdict in found["verdicts"] if verdict["answer"] == "fail"}


def test_each_regression_is_caught_by_its_gate(worse: Project, loads: Mapping[str, Load]) -> None:
    """Errors, a late first token, slow tokens, wrong answers: exit code 4, first step, the gate's name."""
    drivers = {model: start(worse, model, 2, change) for model, (change, _) in FIRST.items()}
    for model, (_, gate) in FIRST.items():
        code = drivers[model].ends(within=WITHIN)
        assert code == ROLLED_BACK, (model, drivers[model].talk)
        found = status(worse, model)
        assert (found["cause"], found["step"]) == ("gate", 1), (model, found)
        assert gate in failed_gates(found)
        assert {replica["release"] for replica in worse.replicas(model)} == {1}


def test_an_engine_that_crashes_and_one_that_never_starts(worse: Project, loads: Mapping[str, Load]) -> None:
    """The first is caught at the first step; the other gives up its capacity without a request."""
    crashing = start(worse, "errors", 3, "engine.args.error-rate=0", "engine.args.crash-after=60")
    stuck = start(worse, "late", 3, "engine.args.ttft=1", "engine.args.startup=600")
    assert stuck.ends(within=WITHIN) == ROLLED_BACK, stuck.talk
    assert status(worse, "late")["cause"] == "capacity"
    assert {entry["status"]["weight"] for entry in journal(worse, "late") if entry["status"]} == {0}
    assert crashing.ends(within=WITHIN) == ROLLED_BACK, crashing.talk
    found = status(worse, "errors")
    assert (found["cause"], found["step"]) == ("gate", 1), found
    # Its clients may notice before its agent tells.
    assert failed_gates(found) & {"engine_failures", "error_rate"}


def test_the_report_is_one_page(worse: Project) -> None:
    """For the pull request: charts and verdicts in a file that needs nothing else."""
    page = worse.folder / "report.html"
    worse.ok("rollout", "report", "--env", NAME, "errors", "--output", str(page))
    text = page.read_text()
    assert "<svg" in text
    assert "engine_failures" in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_healthy_upgrades_pass(worse: Project, loads: Mapping[str, Load]) -> None:
    """A dozen good releases after the bad ones, on a machine that does much else: none is taken for worse."""
    last = {model: status(worse, model)["new"]["release"] for model in MENDED}
    for number, change in enumerate(HEALTHY, start=1):
        drivers = {
            model: start(worse, model, last[model] + number, *mended, change)
            for model, mended in MENDED.items()
        }
        for model, driver in drivers.items():
            assert driver.ends(within=WITHIN) == PROMOTED, (model, driver.talk)


def test_nobody_else_was_hurt(worse: Project, loads: Mapping[str, Load]) -> None:
    """No request failed but those that a faulty release answered itself, or had when it crashed."""
    for model, load in loads.items():
        (report,) = load.stop()
        failed, sent = report["requests"]["failed"], report["requests"]["sent"]
        allowed = 0.02 * sent if model == "errors" else 0
        assert failed <= allowed, (model, report["failures"])
