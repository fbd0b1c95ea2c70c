"""`upgrade`: one question, and a file that is as it was unless somebody says yes."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli import ask, deploying, rolling
from cli.app import run
from cli.context import Workspace
from infra.deploy.types import Facts, Live, Rollout
from infra.environment.slots import Slot
from infra.errors import ExitCode, LlmctlError
from infra.plan.changes import Action
from infra.plan.report import Change, ModelChanges, PlanReport
from infra.rollout.planning import Overrides
from infra.rollout.types import Phase, Plan, Status
from tests.fakes.cluster import a_plan

TEXT = """\
# Ours.
environment: sample
provider: {name: aws, region: us-east-1}
network:
  cidr: 10.20.0.0/16
endpoint:
  allow_cidrs: [203.0.113.0/24]
models:
  chat:
    source: hf://Qwen/Qwen2.5-7B-Instruct@a09a354
    engine:
      name: vllm
      version: v0.18.0          # as tested
    instances:
      types: [g5.2xlarge]
      zones: [us-east-1a, us-east-1b]
    replicas: {min: 2, max: 2}
"""
TEMPLATE = Change(
    address="aws_launch_template.chat", type="aws_launch_template", action=Action.UPDATE, reason=""
)
ALARM = Change(address="aws_alarm.chat", type="aws_cloudwatch_metric_alarm", action=Action.UPDATE, reason="")


@dataclass
class Cloud:
    """What Terraform would change, and what is there."""

    path: Path
    changes: tuple[Change, ...] = (TEMPLATE,)
    newest: int = 1
    status: Status | None = None
    """Of a rollout of release 2."""
    plan_fails: bool = False
    planned: list[str] = field(default_factory=list)
    """The file's text whenever Terraform planned."""
    prepared: list[tuple[int | None, Overrides]] = field(default_factory=list)
    begun: list[Plan] = field(default_factory=list)
    driven: int = 0

    def rollouts(self) -> dict[str, Rollout]:
        """Of `chat`, if it has one."""
        return {"chat": Rollout(plan=a_plan(), status=self.status, driver="")} if self.status else {}

    def facts(self) -> Facts:
        """Release 1 is live in blue."""
        live = Live(slot=Slot.BLUE, release=1, since=datetime(2026, 11, 22, tzinfo=UTC))
        return Facts(
            live={"chat": live},
            groups=(),
            weights={},
            latest_releases={"chat": self.newest},
            health={},
            reports={},
            launched={},
            address=None,
            rollouts=self.rollouts(),
        )

    def apply(
        self,
        workspace: Workspace,
        *,
        yes: bool,
        force_unlock: str | None,
        agree: Callable[[PlanReport], None],
    ) -> bool:
        """Terraform, which makes a release if the template changes."""
        self.planned.append(self.path.read_text())
        if self.plan_fails:
            raise LlmctlError("Terraform can't plan")
        if not self.changes:
            return False
        groups = (ModelChanges("chat", self.changes),)
        agree(PlanReport(environment="sample", has_changes=True, counts={}, groups=groups))
        self.newest += TEMPLATE in self.changes
        return True

    def prepare(
        self,
        workspace: Workspace,
        model: str,
        overrides: Overrides | None = None,
        *,
        release: int | None = None,
    ) -> Plan:
        """A plan, and what it was made of."""
        self.prepared.append((release, overrides or Overrides()))
        return a_plan(new_release=release or self.newest)

    def drive(self, workspace: Workspace, model: str) -> ExitCode:
        """It goes well."""
        self.driven += 1
        return ExitCode.OK


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """Commands find this cloud."""
    cloud = Cloud(tmp_path / "sample.yaml")
    cloud.path.write_text(TEXT)
    monkeypatch.setattr(Workspace, "facts", lambda workspace: cloud.facts())
    monkeypatch.setattr(Workspace, "runtime", cloud)
    monkeypatch.setattr(deploying, "apply_changes", cloud.apply)
    monkeypatch.setattr(rolling, "prepare", cloud.prepare)
    monkeypatch.setattr(rolling, "show_plan", lambda workspace, plan: None)
    monkeypatch.setattr(rolling, "begin", lambda workspace, plan: cloud.begun.append(plan))
    monkeypatch.setattr(rolling, "drive_and_report", cloud.drive)
    return cloud


def upgrade(cloud: Cloud, *arguments: str) -> int:
    """Its exit code."""
    return run(["upgrade", "--env", str(cloud.path), "chat", *arguments])


def test_a_new_version_is_rolled_out(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    """The file's one value changes, comments stay; Terraform sees it; the release that it makes is driven."""
    assert upgrade(cloud, "--set", "engine.version=v0.19.0", "--yes") == ExitCode.OK
    assert cloud.path.read_text() == TEXT.replace("v0.18.0 ", "v0.19.0 ")
    assert cloud.planned == [cloud.path.read_text()]
    assert [plan.new_release for plan in cloud.begun] == [2]
    assert cloud.driven == 1
    err = capsys.readouterr().err
    assert "-      version: v0.18.0" in err
    assert "+      version: v0.19.0" in err


def test_options_hold_for_the_plan_that_is_shown_and_for_the_one_that_begins(cloud: Cloud) -> None:
    """What people say yes to is what happens."""
    options = "--steps 10,100 --bake 2m --pause-at 10 --strategy canary --yes"
    assert upgrade(cloud, *options.split()) == ExitCode.OK
    wanted = Overrides(strategy="canary", steps=(10, 100), bake=120.0, pause_at=(10,))
    assert cloud.prepared == [(2, wanted), (None, wanted)]


def test_a_no_leaves_the_file_as_it_was(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing began, and nothing has to be put back by hand."""

    def no(question: str, *, yes: bool) -> None:
        raise LlmctlError("stopped: nothing was changed")

    monkeypatch.setattr(ask, "confirm", no)
    assert upgrade(cloud, "--set", "engine.version=v0.19.0") == ExitCode.FAILED
    assert cloud.path.read_text() == TEXT
    assert cloud.planned != [TEXT]
    assert cloud.begun == []


def test_a_plan_that_fails_leaves_the_file_as_it_was(cloud: Cloud) -> None:
    """So that the next deploy doesn't meet half a change."""
    cloud.plan_fails = True
    assert upgrade(cloud, "--set", "engine.version=v0.19.0", "--yes") == ExitCode.FAILED
    assert cloud.path.read_text() == TEXT


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("replicas.min=many", ExitCode.REFUSED),
        ("engine.nonsense=1", ExitCode.REFUSED),
        ("engine.version", ExitCode.USAGE),
        ("=1", ExitCode.USAGE),
    ],
)
def test_nonsense_is_refused_before_anything_is_written(cloud: Cloud, setting: str, code: ExitCode) -> None:
    """The file is checked as a whole before it is replaced; Terraform is not even asked."""
    assert upgrade(cloud, "--set", setting, "--yes") == code
    assert cloud.path.read_text() == TEXT
    assert cloud.planned == []


@pytest.mark.parametrize("steps", ["0,100", "5;100", "101", "five"])
def test_steps_are_percentages(cloud: Cloud, steps: str) -> None:
    """Anything else is wrong usage, before anything is read."""
    assert upgrade(cloud, "--steps", steps) == ExitCode.USAGE
    assert cloud.planned == []


def test_one_release_at_a_time(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    """While a rollout goes on another one is refused, and the file stays."""
    cloud.status = Status(phase=Phase.BAKING, since=0.0, weight=25)
    assert upgrade(cloud, "--set", "engine.version=v0.19.0", "--yes") == ExitCode.CONFLICT
    assert "the rollout of release 2 goes on (baking at 25 %)" in capsys.readouterr().err
    assert cloud.path.read_text() == TEXT


def test_warm_replicas_make_room(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their slot is needed: the last rollout is driven to its end first."""
    cleared: list[bool] = []
    monkeypatch.setattr(rolling, "clear_away", lambda workspace, model, *, finish: cleared.append(finish))
    cloud.status = Status(phase=Phase.KEEPING, since=0.0, weight=100)
    cloud.newest = 2
    live = replace(cloud.facts().live["chat"], release=2, slot=Slot.GREEN)
    before = cloud.facts
    monkeypatch.setattr(Workspace, "facts", lambda workspace: replace(before(), live={"chat": live}))
    assert upgrade(cloud, "--yes") == ExitCode.OK
    assert cleared == [True]
    assert [plan.new_release for plan in cloud.begun] == [3]


def test_what_changes_no_release_rolls_nothing_out(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    """An alarm or a bake is no reason to replace servers; the change itself is made."""
    cloud.changes = (ALARM,)
    assert upgrade(cloud, "--set", "replicas.max=3", "--yes") == ExitCode.OK
    assert "its release doesn't change" in capsys.readouterr().err
    assert "max: 3" in cloud.path.read_text()
    assert cloud.begun == []


def test_a_release_that_waits_is_rolled_out(cloud: Cloud) -> None:
    """`deploy --no-rollout` left it: nothing is applied, and it begins."""
    cloud.changes, cloud.newest = (), 2
    assert upgrade(cloud, "--detach", "--yes") == ExitCode.OK
    assert [plan.new_release for plan in cloud.begun] == [2]
    assert cloud.driven == 0


def test_without_a_terminal_nothing_is_assumed(cloud: Cloud) -> None:
    """Also where Terraform has nothing to apply, the file doesn't change without a yes."""
    cloud.changes = ()
    assert upgrade(cloud, "--set", "replicas.max=3") == ExitCode.REFUSED
    assert cloud.path.read_text() == TEXT
