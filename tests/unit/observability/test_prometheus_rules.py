"""Alert rules: promtool takes them, and they fire and stay quiet as the alarms do."""

import json
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from infra.environment.model import Engine, Environment, Replicas
from infra.observability.prometheus_rules import prometheus_rules
from tests.fakes.environments import model, two_models

_OF = 'environment="test",model="chat",slot="blue",release="1",instance="i-1"'


def environment(**changes: object) -> Environment:
    """One model on the simulator, which tells everything."""
    spec = model(**{"engine": Engine(name="simulator", version="1"), **changes})
    return msgspec.structs.replace(two_models(), models={"chat": spec})


def alerts(spec: Environment) -> set[str]:
    """Names of the alerts."""
    return {rule["alert"] for group in prometheus_rules(spec)["groups"] for rule in group["rules"]}


def test_alarms_that_agents_can_answer_are_alerts() -> None:
    """What only AWS knows is left out, and nothing else."""
    assert alerts(environment()) == {
        "LlmctlNoHealthyReplica",
        "LlmctlErrors",
        "LlmctlLatency",
        "LlmctlTtft",
        "LlmctlQueue",
        "LlmctlSpotNotices",
        "LlmctlAgentSilent",
        "LlmctlMetricsMissing",
        "LlmctlEngineFailing",
    }


def test_a_sleeping_model_is_no_alert() -> None:
    """Where nobody may be there, absence says nothing."""
    (group,) = prometheus_rules(environment(replicas=Replicas(min=0, max=2)))["groups"]
    assert "vector(0)" not in group["rules"][0]["expr"]


def promtool(folder: Path, *arguments: str) -> str:
    """Run promtool; its output when it is content."""
    if not (tool := shutil.which("promtool")):
        pytest.skip("promtool (Debian: prometheus) is not installed")
    ran = subprocess.run([tool, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize(
    ("alert", "series", "fires"),
    [
        ("LlmctlNoHealthyReplica", {f'llmctl_phase{{{_OF},phase="healthy"}}': "1+0x10"}, False),
        ("LlmctlNoHealthyReplica", {f'llmctl_phase{{{_OF},phase="healthy"}}': "1 1 0+0x10"}, True),
        ("LlmctlEngineFailing", {f"llmctl_engine_failures_total{{{_OF}}}": "0+0x10"}, False),
        ("LlmctlEngineFailing", {f"llmctl_engine_failures_total{{{_OF}}}": "0x6 1x3"}, True),
        (
            "LlmctlErrors",
            {
                f"llmctl_requests_total{{{_OF}}}": "0+60x10",
                f'llmctl_errors_total{{{_OF},class="server"}}': "0+1x10",
            },
            False,
        ),
        (
            "LlmctlErrors",
            {
                f"llmctl_requests_total{{{_OF}}}": "0+60x10",
                f'llmctl_errors_total{{{_OF},class="server"}}': "0+6x10",
            },
            True,
        ),
        ("LlmctlAgentSilent", {f"llmctl_heartbeat_timestamp_seconds{{{_OF}}}": "0+60x10"}, False),
        ("LlmctlAgentSilent", {f"llmctl_heartbeat_timestamp_seconds{{{_OF}}}": "0 60 120 _x10"}, True),
    ],
)
def test_rules_fire_and_stay_quiet(tmp_path: Path, alert: str, series: dict[str, str], fires: bool) -> None:
    """Evaluated by promtool itself, ten minutes into each story."""
    rules = prometheus_rules(environment())
    (tmp_path / "rules.json").write_text(json.dumps(rules))
    (rule,) = [each for each in rules["groups"][0]["rules"] if each["alert"] == alert]
    story = {
        "rule_files": ["rules.json"],
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [
                    {"eval_time": "9m", "alertname": alert, "exp_alerts": [_expected(rule)] if fires else []}
                ],
            }
        ],
    }
    (tmp_path / "story.json").write_text(json.dumps(story))
    promtool(tmp_path, "check", "rules", "rules.json")
    promtool(tmp_path, "test", "rules", "story.json")


def _expected(rule: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    own = {"slot": "blue", "release": "1", "instance": "i-1"}
    summed = "heartbeat" not in rule["expr"]
    return {
        "exp_labels": {**({} if summed else own), **rule["labels"]},
        "exp_annotations": rule["annotations"],
    }
