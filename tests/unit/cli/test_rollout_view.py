"""The live view of a rollout, its plain lines and its document."""

import io
from dataclasses import replace

import msgspec
import pytest
from rich.console import Console

from cli.render.rollout import PlainLines, advice, plain_line, print_history, rollout_view
from infra.environment.slots import Slot
from infra.rollout.ports import Record
from infra.rollout.types import Answer, Cause, Enter, Observation, Phase, Progress, Status, Verdict, Wait
from infra.rollout.view import Reached, past, view
from tests.fakes.cluster import Cluster, a_plan

NOW = 1_700_000_000.0


def verdict(gate: str, answer: Answer, *, new: float = 1.25, unit: str = "seconds") -> Verdict:
    """One gate's word."""
    why = "too few requests: 12 of 50" if answer is Answer.INCONCLUSIVE else "worse than the old one"
    return Verdict(gate=gate, answer=answer, new=new, old=1.0, limit=1.2, samples=60, unit=unit, why=why)


VERDICTS = (
    verdict("error_rate", Answer.PASS, unit="percent"),
    verdict("latency_p95", Answer.FAIL),
    verdict("ttft_p95", Answer.INCONCLUSIVE),
    verdict("share", Answer.PASS, new=24.0, unit="percent"),
)


def progress(
    phase: Phase = Phase.BAKING, *, driver: str = "ann@laptop 7", left: float = 90.0, **more: object
) -> Progress:
    """A rollout whose second step bakes."""
    cluster = Cluster(a_plan())
    cluster.weights = {Slot.BLUE: 75, Slot.GREEN: 25}
    seen = replace(cluster.observe(), verdicts=VERDICTS)
    status = Status(phase=phase, since=NOW - 30, step=1, weight=25, **more)  # type: ignore[arg-type]
    decision = Wait(seconds=1.0, why="baking", until=NOW + left) if driver else None
    return Progress(plan=cluster.plan, status=status, seen=seen, decision=decision, driver=driver, now=NOW)


def shown(what: Progress, width: int = 80) -> str:
    """The view as text."""
    console = Console(file=io.StringIO(), width=width, record=True, highlight=False)
    console.print(rollout_view(view(what), "prod"))
    return console.export_text()


def test_both_slots_stand_side_by_side() -> None:
    """Release, weight, what the traffic was seen to do, and replicas of both."""
    rows = {line.split()[0]: line.split()[1:] for line in shown(progress()).splitlines() if line.split()}
    assert rows["release"] == ["1", "2"]
    assert rows["weight"] == ["75", "%", "25", "%"]
    assert rows["carries"] == ["76", "%", "24", "%"]
    assert rows["replicas"] == ["5/5", "healthy", "0/0", "healthy"]


def test_the_view_tells_step_countdown_gates_and_what_to_do() -> None:
    """Everything that a person on call asks is on one screen."""
    text = shown(progress())
    for words in (
        "baking: the weight holds; the gates watch, 90s left",
        "● 5 % ── ◉ 25 % ── ○ 50 % ── ○ 100 %",
        "pass",
        "FAIL",
        "can't tell yet",
        "driven by ann@laptop 7",
        "llmctl abort --env prod chat  goes back",
    ):
        assert words in text


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_cut_on_a_small_terminal(width: int) -> None:
    """80 columns are enough: no ellipsis, no line that is longer, no number that is lost."""
    text = shown(progress(reason="a long reason " * 12), width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    assert "1.25 s" in text


def test_a_world_that_cannot_be_read_is_not_zero() -> None:
    """Numbers that nobody knows are dashes."""
    what = replace(progress(), seen=None)
    (row,) = (line.split() for line in shown(what).splitlines() if line.startswith("  weight"))
    assert row == ["weight", "-", "-"]
    assert view(what).old.healthy is None


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (progress(Phase.PAUSED), "llmctl promote --env prod chat"),
        (progress(Phase.KEEPING), "llmctl rollback --env prod chat"),
        (progress(driver=""), "llmctl resume --env prod chat"),
        (progress(Phase.RESTORING, driver=""), "llmctl resume --env prod chat"),
        (progress(Phase.DONE, driver=""), "llmctl rollout report --env prod chat"),
    ],
)
def test_people_are_told_what_they_can_do(what: Progress, words: str) -> None:
    """The command for the phase, ready to be copied."""
    assert advice(view(what), "prod").startswith(words)


def test_nobody_is_told_to_do_what_has_no_effect() -> None:
    """On its way back a rollout takes no wishes."""
    assert advice(view(progress(Phase.CLEARING)), "prod") == ""


def test_plain_lines_come_once_for_each_change(capsys: pytest.CaptureFixture[str]) -> None:
    """A log of an hour's bake has a line for each verdict that changed, not one for each second."""
    show, first = PlainLines(), progress()
    show(first)
    show(replace(first, now=NOW + 1, decision=Wait(seconds=1.0, why="13 of 50 requests")))
    assert first.seen
    show(replace(first, seen=replace(first.seen, verdicts=VERDICTS[:1])))
    show(replace(first, decision=Enter(status=first.status), seen=None))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("22:13:20 chat: baking at 25 %; release 2 0/0 healthy")
    assert lines[1].endswith("gates: error_rate pass")


def test_a_line_says_what_is_waited_for() -> None:
    """Replicas that don't come are told with their numbers."""
    what = replace(progress(Phase.SCALING), decision=Wait(seconds=2.0, why="1 of 2 replicas are healthy"))
    assert "1 of 2 replicas are healthy" in plain_line(view(what))


def test_the_document_is_json_with_times() -> None:
    """`--json` has times in ISO 8601, and steps with how far they are."""
    told = msgspec.json.decode(msgspec.json.encode(view(progress())))
    assert told["phase"] == "baking"
    assert told["until"] == "2023-11-14T22:14:50Z"
    assert [step["reached"] for step in told["steps"]] == ["past", "present", "ahead", "ahead"]
    assert told["new"] == {
        "slot": "green",
        "release": 2,
        "weight": 25,
        "share": 24.0,
        "healthy": 0,
        "wanted": 0,
        "replicas": 0,
        "problems": [],
    }


def test_who_only_watches_sees_the_countdown_too() -> None:
    """The end of a bake follows from the journal, whoever drives."""
    seen = view(replace(progress(), decision=None))
    assert seen.until is not None
    assert (seen.until - seen.now).total_seconds() == 0.0
    assert all(step.reached is Reached.PAST for step in view(progress(Phase.DONE)).steps)


def test_history_is_newest_first_with_what_became_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Each rollout: releases, how it ended, how long it took, why it went back."""
    status = Status(
        phase=Phase.ROLLED_BACK, since=1_795_350_600.0, cause=Cause.GATE, reason="error_rate: 9 %"
    )
    record = Record(plan=a_plan(), status=status, request=None, intent="", lease=None)
    print_history(past([record]))
    out = capsys.readouterr().out
    for words in ("20261122T120000Z-aaaa", "1 -> 2", "rolled back", "gate: error_rate: 9 %"):
        assert words in out


def test_no_history_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Stdout stays empty for programs."""
    print_history(())
    assert capsys.readouterr() == ("", "no rollouts yet\n")


def test_observations_without_verdicts_fall_back_to_what_failed() -> None:
    """After a rollback the verdicts that made it stay in sight."""
    failed = (verdict("latency_p95", Answer.FAIL),)
    what = progress(Phase.CLEARING, failed=failed)
    assert isinstance(what.seen, Observation)
    assert view(replace(what, seen=replace(what.seen, verdicts=()))).verdicts == failed
