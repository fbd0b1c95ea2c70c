"""`promote`, `pause`, `resume`, `abort`, `rollback` and `rollout`, over a rollout in memory."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli import context, rolling
from cli.app import run
from cli.context import Workspace
from infra.deploy.types import Facts, Live, Rollout
from infra.environment.slots import Slot
from infra.errors import ExitCode
from infra.rollout.controller import drive
from infra.rollout.ports import Lease, World
from infra.rollout.types import Asked, Cause, Phase, Plan, SetWeights, Status, Step
from tests.fakes.cluster import a_plan
from tests.fakes.environments import two_models
from tests.fakes.rollout import FakeWorld, fake_world

OTHER = "bob@server 9"
PAUSED = (Step(weight=25, bake=0.0, pause=True), Step(weight=100, bake=0.0))
"""Nothing is judged, so that these tests are about commands."""


@dataclass
class Cloud:
    """One rollout of `chat`, and what commands find around it."""

    world: FakeWorld
    known: tuple[int, ...] = (1, 2)

    def releases(self, model: str) -> tuple[int, ...]:
        """The template's versions."""
        return self.known

    def live(self) -> dict[str, Live]:
        """As recorded."""
        slot = self.world.cluster.live
        since = datetime(2026, 11, 22, tzinfo=UTC)
        return {"chat": Live(slot=slot, release=self.world.cluster.plan.slots[slot], since=since)}

    def rollouts(self) -> dict[str, Rollout]:
        """Of the one model."""
        record = self.world.journal.current
        if record is None:
            return {}
        return {"chat": Rollout(plan=record.plan, status=record.status, driver="")}

    def facts(self) -> Facts:
        """What is live, and that the newest release is the plan's."""
        return Facts(
            live=self.live(),
            groups=(),
            weights={},
            latest_releases={"chat": self.world.cluster.plan.new_release},
            health={},
            reports={},
            launched={},
            address=None,
        )

    def drive(self) -> None:
        """As if from another terminal, until it has nothing to do or a person must speak."""
        drive(self.world, OTHER, watch=lambda progress: None, deadline=self.world.cluster.now + 100)

    def held(self, seconds: float = 3600.0) -> Lease:
        """Another driver lives."""
        return self.world.journal.acquire(OTHER, seconds)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """Commands find this cloud; what follows the slot after a rollout is not their business here."""
    cloud = Cloud(fake_world(a_plan(steps=PAUSED, gates=())))

    def opened(env: str, *, starts_cloud: bool = False) -> Workspace:
        made = Workspace(Path("test.yaml"), two_models())
        made.__dict__ |= {"clock": cloud.world.clock, "runtime": cloud, "fleet": cloud}
        return made

    def world(workspace: Workspace, model: str) -> World:
        return cloud.world if model == "chat" else fake_world()

    monkeypatch.setattr(context, "open_workspace", opened)
    monkeypatch.setattr(Workspace, "facts", lambda workspace: cloud.facts())
    monkeypatch.setattr(rolling, "world", world)
    monkeypatch.setattr(rolling, "settle_model", lambda workspace, model: None)
    return cloud


Said = Callable[..., tuple[str, str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs a command line that must end with a code, and gives stdout and stderr."""

    def said(line: str, code: ExitCode = ExitCode.OK) -> tuple[str, str]:
        found = run(line.split())
        out, err = capsys.readouterr()
        assert found == code, err
        return out, err

    return said


def test_promote_drives_when_nobody_does(cloud: Cloud, said: Said) -> None:
    """A rollout that waits for a person, and whose driver has left, goes on from any machine."""
    cloud.drive()
    _, err = said("promote --env test")
    assert cloud.world.status.phase is Phase.KEEPING
    assert "release 2 has all the traffic" in err
    assert cloud.world.journal.current
    assert cloud.world.journal.current.lease is None


def test_promote_leaves_it_to_a_living_driver(cloud: Cloud, said: Said) -> None:
    """Two drivers would fight: the wish is passed on, and this process changes nothing."""
    cloud.drive()
    lease, changes = cloud.held(), cloud.world.changes

    def carried_out() -> None:
        record = cloud.world.journal.current
        assert record
        assert record.request
        assert record.request.asked is Asked.PROMOTE
        went_on = replace(record.status, phase=Phase.SCALING, step=1, handled=record.request.id, reason="")
        cloud.world.journal.enter(lease, went_on)

    cloud.world.clock.at(cloud.world.cluster.now + 3, carried_out)
    _, err = said("promote --env test chat")
    assert err.endswith("chat: scaling at 25 %\n")
    assert cloud.world.changes == changes


def test_a_driver_that_vanishes_is_replaced(cloud: Cloud, said: Said) -> None:
    """Nobody waits forever for a machine that is gone: when its lease has run out, we drive."""
    cloud.drive()
    cloud.held(5.0)
    said("promote --env test chat")
    assert cloud.world.status.phase is Phase.KEEPING


def test_pause_without_a_driver_only_pauses(cloud: Cloud, said: Said) -> None:
    """The rollout stands still afterwards, and nobody holds it."""
    _, err = said("pause --env test chat")
    assert cloud.world.status.phase is Phase.PAUSED
    assert cloud.world.cluster.weights[Slot.GREEN] == 0
    assert "paused by" in err
    assert cloud.world.journal.current
    assert cloud.world.journal.current.lease is None


def test_resume_drives_what_nobody_drives(cloud: Cloud, said: Said) -> None:
    """What was paused goes on, to the end of what needs a driver."""
    said("pause --env test chat")
    cloud.world.clock.at(cloud.world.cluster.now + 70, lambda: said_promote(cloud))
    said("resume --env test chat")
    assert cloud.world.status.phase is Phase.KEEPING


def said_promote(cloud: Cloud) -> None:
    """Somebody promotes from elsewhere, once it is paused at a step."""
    if cloud.world.status.phase is Phase.PAUSED:
        cloud.world.journal.ask(rolling.wish(Asked.PROMOTE))
    else:
        cloud.world.clock.at(cloud.world.cluster.now + 1, lambda: said_promote(cloud))


def test_resume_watches_what_somebody_else_drives(cloud: Cloud, said: Said) -> None:
    """Attaching shows the rollout to its end and changes nothing."""
    lease = cloud.held()
    kept = Status(phase=Phase.KEEPING, since=cloud.world.cluster.now, weight=100)
    cloud.world.clock.at(cloud.world.cluster.now + 4, lambda: cloud.world.journal.enter(lease, kept))
    _, err = said("resume --env test chat")
    assert "stays warm" in err
    assert cloud.world.changes == 0


def test_abort_goes_back_with_code_0(cloud: Cloud, said: Said) -> None:
    """It is what the person wanted; the old release serves alone afterwards."""
    cloud.drive()
    _, err = said("abort --env test chat --yes")
    assert cloud.world.status.phase is Phase.ROLLED_BACK
    assert cloud.world.cluster.weights == {Slot.BLUE: 100, Slot.GREEN: 0}
    assert "rolled back to release 1: aborted by" in err


def test_who_wanted_the_release_learns_of_an_abort(cloud: Cloud, said: Said) -> None:
    """A pipeline that rolls out must not take somebody else's abort for success."""
    cloud.world.clock.at(
        cloud.world.cluster.now + 70, lambda: cloud.world.journal.ask(rolling.wish(Asked.ABORT))
    )
    _, err = said("resume --env test chat", ExitCode.ROLLED_BACK)
    assert "rolled back to release 1: aborted by" in err


def test_abort_asks_first(cloud: Cloud, said: Said) -> None:
    """Without a yes and without a terminal nothing is left for the driver."""
    cloud.drive()
    said("abort --env test chat", ExitCode.REFUSED)
    assert cloud.world.journal.current
    assert cloud.world.journal.current.request is None


def test_rollback_of_a_warm_release_is_one_call(cloud: Cloud, said: Said) -> None:
    """The old replicas still run: nothing is started, the balancer is told once."""
    cloud.drive()
    said("promote --env test chat")
    calls = len(cloud.world.traffic.calls)
    _, err = said("rollback --env test chat --yes")
    assert cloud.world.traffic.calls[calls:] == [SetWeights(weights={Slot.BLUE: 100, Slot.GREEN: 0})]
    assert cloud.world.cluster.live is Slot.BLUE
    assert "still describes release 2" in err


def test_rollback_to_another_release_waits_for_the_end(cloud: Cloud, said: Said) -> None:
    """A rollout that goes on leads back to its old release only."""
    cloud.drive()
    _, err = said("rollback --env test chat --to 7 --yes", ExitCode.CONFLICT)
    assert "can only go back to release 1" in err


def over(cloud: Cloud) -> None:
    """Release 2 serves alone."""
    record = cloud.world.journal.current
    assert record
    cloud.world.cluster.live = Slot.GREEN
    done = Status(phase=Phase.DONE, since=cloud.world.cluster.now, step=1, weight=100)
    cloud.world.journal.current = replace(record, status=done)


def test_rollback_refuses_what_never_was(cloud: Cloud, said: Said) -> None:
    """A release that doesn't exist is named, with those that do."""
    over(cloud)
    _, err = said("rollback --env test chat --to 7 --yes", ExitCode.REFUSED)
    assert "there is no release 7" in err
    assert "releases: 1, 2" in err


def test_rollback_after_the_end_rolls_the_previous_release_out(
    cloud: Cloud, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the old replicas are gone it takes a rollout, to the release that was live before."""
    over(cloud)
    prepared: list[int] = []

    def prepare(workspace: Workspace, model: str, *, release: int) -> Plan:
        prepared.append(release)
        return a_plan(gates=())

    begun: list[Plan] = []
    monkeypatch.setattr(rolling, "prepare", prepare)
    monkeypatch.setattr(rolling, "show_plan", lambda workspace, plan: None)
    monkeypatch.setattr(rolling, "begin", lambda workspace, plan: begun.append(plan))
    monkeypatch.setattr(rolling, "drive_and_report", lambda workspace, model: ExitCode.OK)
    said("rollback --env test chat --yes")
    assert prepared == [1]
    assert len(begun) == 1


@pytest.mark.parametrize(
    ("line", "phase", "words"),
    [
        ("promote", Phase.SCALING, "there is nothing to promote yet"),
        ("promote", Phase.RETURNING, "goes back to release 1 already"),
        ("promote --full", Phase.KEEPING, "release 2 has all the traffic already"),
        ("pause", Phase.PAUSED, "it is paused already"),
        ("pause", Phase.DONE, "no rollout goes on"),
        ("resume", Phase.ROLLED_BACK, "no rollout goes on"),
        ("resume --detach", Phase.BAKING, "it isn't paused"),
        ("abort --yes", Phase.DONE, "no rollout goes on"),
    ],
)
def test_wishes_without_effect_are_refused(
    cloud: Cloud, said: Said, line: str, phase: Phase, words: str
) -> None:
    """People learn at once that a wish makes no sense now, and none is left behind."""
    record = cloud.world.journal.current
    assert record
    status = Status(phase=phase, since=cloud.world.cluster.now)
    cloud.world.journal.current = replace(record, status=status)
    _, err = said(f"{line} --env test chat", ExitCode.REFUSED)
    assert words in err
    assert cloud.world.journal.current.request is None


def test_detached_wishes_wait_for_a_driver(cloud: Cloud, said: Said) -> None:
    """The command returns at once and says who will do it."""
    cloud.drive()
    _, err = said("promote --env test chat --detach")
    assert "nobody drives this rollout: `llmctl resume --env test chat`" in err
    assert cloud.world.status.phase is Phase.PAUSED
    cloud.held()
    _, err = said("promote --env test chat --full --detach")
    assert f"{OTHER} carries it out" in err


def test_without_a_name_the_only_rollout_is_meant(cloud: Cloud, said: Said) -> None:
    """With two models and no rollout a name is asked for."""
    over(cloud)
    _, err = said("pause --env test", ExitCode.REFUSED)
    assert "no model has a rollout" in err


def test_status_is_for_people_and_for_programs(cloud: Cloud, said: Said) -> None:
    """Without waiting the code is 0, whatever the rollout does."""
    cloud.drive()
    out, _ = said("rollout status --env test")
    assert "paused" in out
    out, _ = said("rollout status --env test chat --json")
    told = json.loads(out)
    assert (told["phase"], told["weight"], told["driver"]) == ("paused", 25, "")


@pytest.mark.parametrize(
    ("phase", "cause", "code"),
    [
        (Phase.DONE, None, ExitCode.OK),
        (Phase.KEEPING, None, ExitCode.OK),
        (Phase.ROLLED_BACK, Cause.GATE, ExitCode.ROLLED_BACK),
        (Phase.ROLLED_BACK, Cause.USER, ExitCode.ROLLED_BACK),
        (Phase.PAUSED, Cause.INCONCLUSIVE, ExitCode.INCONCLUSIVE),
        (Phase.BAKING, None, ExitCode.INCONCLUSIVE),
    ],
)
def test_waiting_tells_by_its_code_how_it_ended(
    cloud: Cloud, said: Said, phase: Phase, cause: Cause | None, code: ExitCode
) -> None:
    """A pipeline needs no output: 0 arrived, 4 taken back, 5 not over in time."""
    record = cloud.world.journal.current
    assert record
    status = Status(phase=phase, since=cloud.world.cluster.now, cause=cause)
    cloud.world.journal.current = replace(record, status=status)
    said("rollout status --env test chat --timeout 10s", code)


def test_history_lists_what_was(cloud: Cloud, said: Said) -> None:
    """One document for each rollout, with how it ended."""
    over(cloud)
    out, _ = said("rollout history --env test chat --json")
    (told,) = json.loads(out)
    assert (told["new_release"], told["phase"], told["began"]) == (2, "done", "2026-11-22T12:00:00Z")


def test_the_report_is_a_file_or_a_document(cloud: Cloud, said: Said, tmp_path: Path) -> None:
    """CI keeps the page; programs read the journal."""
    cloud.drive()
    page = tmp_path / "report.html"
    _, err = said(f"rollout report --env test chat --output {page}")
    assert f"wrote {page}" in err
    assert page.read_text().startswith("<!doctype html>")
    out, _ = said("rollout report --env test chat --json")
    assert json.loads(out)["entries"][0]["kind"] == "began"
    _, err = said("rollout report --env test chat --rollout nope", ExitCode.REFUSED)
    assert "there is no rollout nope" in err


def test_a_model_without_any_rollout_says_so(cloud: Cloud, said: Said) -> None:
    """Null for programs, a sentence for people, and no error: nothing is wrong."""
    cloud.world.journal.current = None
    out, _ = said("rollout status --env test chat --json")
    assert out == "null\n"
    _, err = said("rollout status --env test chat -w")
    assert "no rollout yet" in err
