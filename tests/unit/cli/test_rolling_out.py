"""`deploy` rolls releases out one after the other, and stops where one doesn't make it."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cli import deploying, rolling
from cli.context import Workspace
from infra.aws import rollout_journal
from infra.deploy.types import Facts, Live, Rollout
from infra.environment.slots import Slot
from infra.errors import ExitCode, LlmctlError
from infra.rollout.errors import HeldError
from infra.rollout.ports import Record
from infra.rollout.types import Cause, Phase, Status
from tests.fakes.cluster import a_plan
from tests.fakes.deploy import START
from tests.fakes.environments import two_models


@dataclass
class Cloud:
    """Two models, each with release 2 waiting; how driving each ends; what was done."""

    ends: dict[str, ExitCode | LlmctlError] = field(default_factory=dict)
    rollouts: dict[str, Rollout] = field(default_factory=dict)
    histories: dict[str, tuple[Record, ...]] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def facts(self) -> Facts:
        """What deploy looks at."""
        live = Live(slot=Slot.BLUE, release=1, since=START)
        return Facts(
            address=None,
            groups=(),
            latest_releases={"chat": 2, "french": 2},
            live={"chat": live, "french": live},
            weights={},
            health={},
            reports={},
            launched={},
            rollouts=self.rollouts,
        )

    def drive(self, workspace: Workspace, model: str) -> ExitCode:
        """Ends as it was told."""
        self.done.append(f"drive {model}")
        end = self.ends.get(model, ExitCode.OK)
        if isinstance(end, LlmctlError):
            raise end
        return end

    def roll_out(self, *, retry: bool = False, detach: bool = False) -> ExitCode | None:
        """Deploy's last part."""
        workspace = SimpleNamespace(environment=two_models(), facts=self.facts, session=None)
        return deploying.roll_out_releases(cast("Workspace", workspace), yes=True, retry=retry, detach=detach)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """The parts that reach for a cloud are recorded instead."""
    cloud = Cloud()

    def journal(session: Any, environment: str, model: str) -> Any:
        return SimpleNamespace(history=lambda: cloud.histories.get(model, ()))

    def note(what: str) -> Any:
        return lambda workspace, model, **_: cloud.done.append(f"{what} {getattr(model, 'model', model)}")

    def prepare(workspace: Workspace, model: str, *, release: int) -> Any:
        return SimpleNamespace(model=model, new_release=release)

    monkeypatch.setattr(rollout_journal, "TableJournal", journal)
    monkeypatch.setattr(rolling, "prepare", prepare)
    monkeypatch.setattr(rolling, "show_plan", lambda workspace, plan: None)
    monkeypatch.setattr(rolling, "begin", note("begin"))
    monkeypatch.setattr(rolling, "clear_away", note("clear"))
    monkeypatch.setattr(rolling, "drive_and_report", cloud.drive)
    return cloud


def a_rollout(phase: Phase, release: int = 2, driver: str = "") -> Rollout:
    """A rollout of `chat` that goes on."""
    return Rollout(plan=a_plan(new_release=release), status=Status(phase=phase, since=0), driver=driver)


def test_models_are_rolled_out_one_after_the_other(cloud: Cloud) -> None:
    """Two rollouts at once would be two new unknowns, and twice the extra capacity."""
    assert cloud.roll_out() is ExitCode.OK
    assert cloud.done == ["begin chat", "drive chat", "begin french", "drive french"]


def test_what_did_not_make_it_stops_the_rest(cloud: Cloud) -> None:
    """After one release was bad, the next one waits for a person."""
    cloud.ends["chat"] = ExitCode.ROLLED_BACK
    assert cloud.roll_out() is ExitCode.ROLLED_BACK
    assert cloud.done == ["begin chat", "drive chat"]


def test_detached_rollouts_only_begin(cloud: Cloud) -> None:
    """Somebody else drives them, from anywhere."""
    assert cloud.roll_out(detach=True) is ExitCode.OK
    assert cloud.done == ["begin chat", "begin french"]


def test_a_living_driver_is_no_obstacle(cloud: Cloud) -> None:
    """Deploying one model while somebody rolls out another is daily work."""
    cloud.rollouts["chat"] = a_rollout(Phase.BAKING, driver="bob@desk 7")
    cloud.ends["chat"] = HeldError("chat", "bob@desk 7", 50)
    assert cloud.roll_out() is ExitCode.OK
    assert cloud.done == ["drive chat", "begin french", "drive french"]


def test_a_conflict_is_told_before_anything_begins(cloud: Cloud) -> None:
    """Half of a deploy's rollouts is worse than none."""
    cloud.rollouts["chat"] = a_rollout(Phase.BAKING, release=7)
    with pytest.raises(LlmctlError, match="goes on") as raised:
        cloud.roll_out()
    assert raised.value.code is ExitCode.CONFLICT
    assert cloud.done == []


def test_warm_replicas_are_cleared_away_first(cloud: Cloud) -> None:
    """The next release needs their slot."""
    cloud.rollouts["chat"] = a_rollout(Phase.KEEPING, release=1)
    assert cloud.roll_out() is ExitCode.OK
    assert cloud.done[:3] == ["clear chat", "begin chat", "drive chat"]


def test_what_was_rolled_back_waits_and_others_go_on(cloud: Cloud) -> None:
    """The exit code still says that the file and the cloud differ."""
    status = Status(phase=Phase.ROLLED_BACK, since=0, cause=Cause.GATE, reason="slow")
    plan = a_plan(old_release=1, new_release=2)
    record = Record(plan=plan, status=status, request=None, intent="", lease=None)
    cloud.histories["chat"] = (record,)
    assert cloud.roll_out() is ExitCode.ROLLED_BACK
    assert cloud.done == ["begin french", "drive french"]
    cloud.done.clear()
    assert cloud.roll_out(retry=True) is ExitCode.OK
    assert cloud.done[0] == "begin chat"
