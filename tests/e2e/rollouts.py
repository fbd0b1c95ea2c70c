"""What tests of rollouts do again and again: constant load, upgrades in the background, looks at them."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.aws.rollout_journal import TableJournal
from infra.aws.session import Session
from infra.embedded.client import Cloud
from infra.environment import names
from infra.environment.slots import Slot
from tests.e2e.harness import Project, eventually

TALK_SECONDS = 60
LOOK_SECONDS = 0.5
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class Load:
    """`llmctl bench` in the background: open loop, streams and whole answers side by side."""

    def __init__(
        self,
        project: Project,
        model: str,
        *,
        rate: int,
        seconds: int,
        kinds: Sequence[str] = ("stream", "no-stream"),
    ) -> None:
        self._reports = {kind: project.folder / f"{model}-{kind}.json" for kind in kinds}
        self._processes = [
            project.start(
                *("bench", "--env", project.name, model, "--rate", str(rate), f"--{kind}"),
                *("--duration", f"{seconds}s", "--warmup", "0s", "--max-tokens", "8"),
                *("--output", str(report)),
            )
            for kind, report in self._reports.items()
        ]

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Hold it, and end it at the latest at the end."""
        try:
            yield self
        finally:
            for process in self._processes:
                process.kill()
                process.communicate()

    def stop(self) -> Sequence[Mapping[str, Any]]:
        """End it as Ctrl-C does; a report of each kind."""
        for process in self._processes:
            os.kill(process.pid, signal.SIGINT)
        for process in self._processes:
            process.communicate(timeout=TALK_SECONDS)
        return [json.loads(Path(report).read_text()) for report in self._reports.values()]


@dataclass
class Driver:
    """An `llmctl` command that drives a rollout, in the background."""

    process: subprocess.Popen[str]
    _talk: str = field(default="")

    def hear(self) -> str:
        """Its next line, once it says one."""
        assert self.process.stderr
        return self.process.stderr.readline()

    def kill(self) -> None:
        """As a crash or a closed laptop does."""
        self.process.kill()
        self.process.communicate()

    def ends(self, within: float) -> int:
        """Its exit code."""
        _, self._talk = self.process.communicate(timeout=within)
        return self.process.returncode

    @property
    def talk(self) -> str:
        """What it said, once it has ended."""
        return self._talk


def upgrade(project: Project, model: str, *options: str) -> Driver:
    """Start an upgrade."""
    return Driver(project.start("upgrade", "--env", project.name, model, "--yes", *options))


def status(project: Project, model: str) -> dict[str, Any]:
    """The model's current or last rollout; empty before the first."""
    found: dict[str, Any] | None = project.ok(
        "rollout", "status", "--env", project.name, model, "--json"
    ).json()
    return found or {}


def reaches(
    project: Project,
    model: str,
    *,
    release: int,
    phase: str = "",
    weight: int | None = None,
    within: float = 300,
) -> None:
    """Wait until there is a rollout to a release, in a phase, at a weight."""
    story = _table(cloud_of(project).api_url, project.name, model)

    def there() -> bool:
        found = story.read()
        return bool(
            found
            and found.plan.new_release == release
            and phase in ("", found.status.phase)
            and weight in (None, found.status.weight)
        )

    what = f"{model}'s release {release} is {phase or 'on its way'} at {weight} %"
    eventually(there, within=within, what=what, every=LOOK_SECONDS)


@cache
def _table(url: str, environment: str, model: str) -> TableJournal:
    """Read directly: a command takes a second of processor time for each look."""
    return TableJournal(Session("us-east-1", {**KEYS, "AWS_ENDPOINT_URL": url}), environment, model)


def journal(project: Project, model: str) -> list[dict[str, Any]]:
    """All entries of the last rollout."""
    command = ("rollout", "report", "--env", project.name, model, "--json")
    entries: list[dict[str, Any]] = project.ok(*command).json()["entries"]
    return entries


def shares(project: Project, model: str) -> dict[int, list[dict[str, Any]]]:
    """What the share gate said of the last rollout, by weight."""
    found: dict[int, list[dict[str, Any]]] = {}
    for entry in journal(project, model):
        for verdict in entry["verdicts"] if entry["kind"] == "judged" else ():
            if verdict["gate"] == "share":
                found.setdefault(entry["status"]["weight"], []).append(verdict)
    return found


def cloud_of(project: Project) -> Cloud:
    """The cloud that the project is deployed in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLMCTL_STATE_DIR", project.variables["LLMCTL_STATE_DIR"])
        found = Cloud.locate(project.name)
    assert found
    return found


def weights(project: Project, model: str) -> str:
    """The actions of the model's own rule, exactly as the load balancer's API tells them."""
    client = Session("us-east-1", {**KEYS, "AWS_ENDPOINT_URL": cloud_of(project).api_url}).elbv2
    targets = [names.target_group(project.name, model, slot) for slot in Slot]
    arns = {group["TargetGroupArn"] for group in client.describe_target_groups(Names=targets)["TargetGroups"]}
    (balancer,) = client.describe_load_balancers()["LoadBalancers"]
    (listener,) = client.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    for rule in client.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
        groups = rule["Actions"][0].get("ForwardConfig", {}).get("TargetGroups", [])
        if arns <= {group["TargetGroupArn"] for group in groups}:
            return json.dumps(rule["Actions"], sort_keys=True)
    raise AssertionError(f"{model} has no rule")
