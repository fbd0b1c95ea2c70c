"""`inventory`, `destroy --dry-run` and `reap` on the command line: what they show, and how they end."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from cli import context, destroying, reaping, remains
from cli.app import run
from cli.context import Workspace
from infra.cost.prices import HOURS_A_MONTH, Unit, snapshot
from infra.errors import ExitCode
from infra.teardown.reaping import Outcome, Reaped
from infra.teardown.rehearsal import Rehearsal
from infra.teardown.removing import Left
from infra.teardown.types import Resource
from tests.fakes.environments import two_models

BALANCER = Resource("test", "load balancer", "arn:lb", datetime.now(UTC) - timedelta(days=3), protected=True)
A_MONTH = snapshot("us-east-1").units[Unit.BALANCER_HOUR] * HOURS_A_MONTH
MACHINE = Resource("test", "ec2 instance", "i-1", None, type="p9.huge", market="spot")


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An environment of which a balancer and an instance exist."""
    made = Workspace(Path("environments/test.yaml"), two_models())
    monkeypatch.setattr(context, "open_workspace", lambda env: made)
    monkeypatch.setattr(Workspace, "leftovers", lambda self, patience: (BALANCER, MACHINE))
    return made


def test_the_inventory_tells_age_and_admits_what_it_does_not_know(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unknown ages and prices are dashes, and a protected resource says so."""
    assert run(["inventory", "--env", "test"]) == ExitCode.OK
    balancer, machine = capsys.readouterr().out.splitlines()[2:]
    assert balancer.split() == ["load", "balancer", "arn:lb", "PROTECTED", "3d", f"{A_MONTH:.2f}"]
    assert machine.split() == ["ec2", "instance", "i-1", "p9.huge", "spot", "-", "-"]


def test_the_inventory_is_flat_json(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """One object for each resource, with nulls where nothing is known."""
    assert run(["inventory", "--env", "test", "--json"]) == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert [(each["id"], each["market"], each["dollars_per_month"]) for each in told] == [
        ("arn:lb", "", pytest.approx(A_MONTH)),
        ("i-1", "spot", None),
    ]


def test_an_inventory_is_somebodys(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a name and without --orphans nothing is guessed."""
    monkeypatch.delenv("LLMCTL_ENV", raising=False)
    assert run(["inventory"]) == ExitCode.REFUSED
    assert "--orphans" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("protect", "waves", "code"),
    [
        (False, (("aws_lb.l",), ("aws_vpc.v",)), ExitCode.PLAN_HAS_CHANGES),
        (False, (), ExitCode.OK),
        (True, (("aws_vpc.v",),), ExitCode.REFUSED),
    ],
)
def test_a_dry_run_ends_as_the_destroy_would_begin(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    protect: bool,
    waves: tuple[tuple[str, ...], ...],
    code: ExitCode,
) -> None:
    """2 when there is something, 0 when there isn't, 6 for what is protected; steps are numbered in order."""
    workspace.environment = msgspec.structs.replace(workspace.environment, protect=protect)
    told = Rehearsal("test", protect, drain=(), strangers=(), waves=waves)
    monkeypatch.setattr(destroying, "rehearse", lambda workspace, force_unlock: told)
    assert run(["destroy", "--env", "test", "--dry-run"]) == code
    out = capsys.readouterr().out
    assert ("PROTECTED" in out) is protect
    assert [line.strip() for line in out.splitlines() if line.startswith("   - ")] == [
        f"- {address}" for wave in waves for address in wave
    ]


def test_reap_tells_what_became_of_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is left is listed with its reason, and the exit code says so."""
    left = (Left(BALANCER, "in use"),)
    became = (
        Reaped("a", None, Outcome.DESTROYED),
        Reaped("test", None, Outcome.LEFT, left=left),
    )
    monkeypatch.setattr(remains, "account", lambda env, region: None)
    monkeypatch.setattr(reaping, "reap", lambda account, names, **how: became)
    assert run(["reap", "--yes"]) == ExitCode.RESOURCES_LEFT
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["a:", "destroyed"],
        ["test:", "left"],
        ["load", "balancer", "arn:lb:", "in", "use"],
    ]
    assert run(["reap", "--yes", "--json"]) == ExitCode.RESOURCES_LEFT
    told = json.loads(capsys.readouterr().out)
    assert [(each["outcome"], len(each["left"])) for each in told] == [("destroyed", 0), ("left", 1)]
