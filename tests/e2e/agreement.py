"""Does the dashboard say what clients felt? Loads a deployed environment and sets both figures side by side.

`llmctl bench` measures over one whole minute, and so do the figures, which are read as people read them: by
`llmctl metrics`, and with the queries of the CloudWatch dashboards that were deployed. The two windows agree
to a second or two, of a steady load. A second model fails a quarter of its requests, all in that minute.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from infra.embedded.client import Cloud
from infra.environment import names
from tests.e2e.harness import Project

NAME = "agree"
RATE, WARMUP, MINUTE = 8, 9, 60
SHAKY_RATE, SHAKY_SECONDS = 6, 25
PUBLISHED_EARLIER = 1
"""Seconds before a minute's end that its last figures are published: what comes later is in the next."""
STARTUP = 2.0
"""Seconds that `llmctl bench` takes until it sends."""
SETTLED = 4.0
"""Seconds after a minute until all its figures are there."""
ENVIRONMENT = """\
environment: agree
provider: {{name: embedded, region: us-east-1, account: "123456789012"}}
network: {{cidr: 10.43.0.0/16}}
endpoint: {{allow_cidrs: [127.0.0.0/8], port: 8080, default_model: chat}}
monitoring: {{interval: 5s, times: {times}}}
models:
  chat:
    source: hf://example/chat-7B
    engine: {{name: simulator, version: "1", args: {{ttft: 3, time-per-token: 0.05}}}}
    instances: {{types: [g5.xlarge], zones: [us-east-1a, us-east-1b]}}
    replicas: {{min: 2, max: 2}}
    routing: {{deregistration_delay: 5s}}
  shaky:
    source: hf://example/shaky-1B
    engine: {{name: simulator, version: "1", env: {{SIMULATOR_ERROR_RATE: "0.25"}}}}
    instances: {{types: [g5.xlarge], zones: [us-east-1a, us-east-1b]}}
    replicas: {{min: 1, max: 1}}
    routing: {{deregistration_delay: 5s}}
"""
"""Times are long enough for 5 % of them to be more than what a busy machine adds here and there.

Time to the first token is the same for all requests: its p99 is what the machine did to the unluckiest five.
"""

_LAST = 19
_PERCENTILES = ("p50", "p95", "p99")


@dataclass(frozen=True)
class Pair:
    """A figure as the client measured it, and as it is shown."""

    figure: str
    place: str
    client: float
    shown: float | None

    @property
    def difference(self) -> float:
        """Of what the client measured; infinite if nothing is shown."""
        return float("inf") if self.shown is None else abs(self.shown / self.client - 1)


def table(pairs: list[Pair]) -> str:
    """All pairs, in columns."""
    head = f"{'figure':37} {'where':34} {'client':>10} {'dashboard':>10} {'difference':>10}"
    return "\n".join([head, *map(_row, pairs)])


def _row(pair: Pair) -> str:
    shown = "-" if pair.shown is None else f"{pair.shown:.4f}"
    return f"{pair.figure:37} {pair.place:34} {pair.client:10.4f} {shown:>10} {pair.difference:10.1%}"


def measure(project: Project) -> list[Pair]:
    """Load both models over a whole minute, and read every figure of it. Takes up to 140 s."""
    begins = _minute_after(time.time() + WARMUP + PUBLISHED_EARLIER + STARTUP)
    _sleep_until(begins - WARMUP - PUBLISHED_EARLIER - STARTUP)
    steady = _bench(project, "chat", RATE, WARMUP, MINUTE)
    _sleep_until(begins + STARTUP)
    shaky = _bench(project, "shaky", SHAKY_RATE, 0, SHAKY_SECONDS)
    os.setpriority(os.PRIO_PROCESS, shaky.pid, _LAST)  # its start must not delay what is timed
    reports = {"chat": _report(project, "chat", steady), "shaky": _report(project, "shaky", shaky)}
    _sleep_until(begins + MINUTE + SETTLED)
    shown = project.ok("metrics", "--env", NAME, "--since", "1m", "--json").json()
    assert datetime.fromisoformat(shown["since"]).timestamp() == begins
    dashboards = {model: _dashboard(project, model, begins) for model in reports}
    return [*_told(reports, shown), *_drawn(reports, dashboards)]


def _told(reports: Mapping[str, Any], shown: Mapping[str, Any]) -> Iterator[Pair]:
    """By `llmctl metrics`."""
    for row in shown["rows"]:
        release = f"release {row['release']} in {row['slot']}" if row["release"] else "model"
        place = f"llmctl metrics, {release}"
        values = {name: each["value"] for name, each in row["measures"].items()}
        if row["model"] == "shaky":
            yield Pair("errors", place, _failed(reports["shaky"]), values["errors"])
            continue
        report = reports["chat"]
        yield Pair("requests", place, report["rate"]["achieved"], values["requests"])
        for kind in ("latency", "ttft", "tpot"):
            for each in _PERCENTILES:
                if f"{kind}_{each}" in values:
                    yield Pair(f"{kind}_{each}", place, _time(report, kind, each), values[f"{kind}_{each}"])
        for kind, name in (("generated", "tokens_generated"), ("prompt", "tokens_prompt")):
            yield Pair(name, place, report["tokens"][f"{kind}_per_second"], values[name])


def _drawn(reports: Mapping[str, Any], dashboards: Mapping[str, Mapping[Any, float]]) -> Iterator[Pair]:
    """By the CloudWatch dashboards."""
    report, shown, place = reports["chat"], dashboards["chat"], "CloudWatch dashboard"
    yield Pair("Requests", place, report["rate"]["achieved"], shown.get(("Requests", "all")))
    titles = {"latency": "Latency", "ttft": "Time to first token", "tpot": "Time per output token"}
    for kind, title in titles.items():
        for each in _PERCENTILES:
            yield Pair(f"{title}, {each}", place, _time(report, kind, each), shown.get((title, each)))
    for kind in ("generated", "prompt"):
        rate = report["tokens"][f"{kind}_per_second"]
        yield Pair(f"Tokens, {kind}", place, rate, shown.get(("Tokens", kind)))
    report, shown = reports["shaky"], dashboards["shaky"]
    failed = report["requests"]["failed"] / MINUTE
    yield Pair("Errors, 5xx", place, _failed(report), shown.get(("Errors", "5xx")))
    for label in ("5xx", "failed in the engine"):
        yield Pair(f"Errors by kind, {label}", place, failed, shown.get(("Errors by kind", label)))


def _failed(report: Mapping[str, Any]) -> float:
    requests = report["requests"]
    assert {each["kind"] for each in report["failures"]} == {"http-500"}
    return float(100 * requests["failed"] / requests["sent"])


def _time(report: Mapping[str, Any], kind: str, percentile: str) -> float:
    found = {
        "latency": report["end_to_end"]["from_send"],
        "ttft": report["ttft"]["from_send"],
        "tpot": report["tpot"],
    }
    return float(found[kind][percentile])


def _bench(project: Project, model: str, rate: int, warmup: int, seconds: int) -> subprocess.Popen[str]:
    return project.start(
        *("bench", "--env", NAME, model, "--rate", str(rate), "--warmup", f"{warmup}s"),
        *("--duration", f"{seconds}s", "--max-tokens", "48", "--output", str(_output(project, model))),
    )


def _output(project: Project, model: str) -> Any:
    return project.folder / f"bench-{model}.json"


def _report(project: Project, model: str, bench: subprocess.Popen[str]) -> Mapping[str, Any]:
    _, told = bench.communicate(timeout=120)
    assert bench.returncode in (0, 1), told
    found: Mapping[str, Any] = json.loads(_output(project, model).read_text())
    return found


def _dashboard(project: Project, model: str, minute: float) -> Mapping[Any, float]:
    """What the model's dashboard draws at a minute, by title and label: its own queries, answered."""
    cloudwatch = _cloudwatch(project)
    body = json.loads(cloudwatch.get_dashboard(DashboardName=names.dashboard(NAME, model))["DashboardBody"])
    found: dict[Any, float] = {}
    for widget in body["widgets"]:
        drawn = widget["properties"]
        if "metrics" not in drawn or "SEARCH" in json.dumps(drawn["metrics"]):
            continue
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[_query(each, drawn["period"]) for each in drawn["metrics"]],
            StartTime=datetime.fromtimestamp(minute, UTC),
            EndTime=datetime.fromtimestamp(minute + MINUTE, UTC),
        )
        for each in answer["MetricDataResults"]:
            for value in each["Values"][:1]:
                found[drawn["title"], each["Label"]] = value
    return found


def _query(metric: list[Any], period: int) -> dict[str, Any]:
    """A line of a widget as a query."""
    *name, options = metric
    query = {"Id": options["id"], "ReturnData": options.get("visible", True)}
    if "label" in options:
        query["Label"] = options["label"]
    if not name:
        return {**query, "Expression": options["expression"], "Period": period}
    namespace, title, *dimensions = name
    pairs = zip(dimensions[::2], dimensions[1::2], strict=True)
    described = {
        "Namespace": namespace,
        "MetricName": title,
        "Dimensions": [{"Name": key, "Value": value} for key, value in pairs],
    }
    return {**query, "MetricStat": {"Metric": described, "Period": period, "Stat": options["stat"]}}


def _cloudwatch(project: Project) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLMCTL_STATE_DIR", project.variables["LLMCTL_STATE_DIR"])
        cloud = Cloud.locate(NAME)
    assert cloud
    return boto3.client(
        "cloudwatch",
        endpoint_url=cloud.api_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def _minute_after(moment: float) -> float:
    return (moment // MINUTE + 1) * MINUTE


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))
