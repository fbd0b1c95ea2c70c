"""The comparison of two releases: numbers, verdict, report, and how the command ends."""

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.comparing import ScorerOptions, quality_of, save, sides, verdict_code
from cli.render.compare import comparison_view
from infra.deploy.types import Phase, Replica, SlotState
from infra.environment.rollout import Gate, Quality
from infra.environment.slots import Market, Slot
from infra.errors import ExitCode, LlmctlError, Refused
from infra.quality.compare import Comparison, Release, Subject, compare, difference, gate_of
from infra.quality.evaluate import Case
from infra.quality.prompts import GoldenPrompt
from infra.quality.report import html
from infra.rollout.types import Answer

SUBJECT = Subject(
    environment="test",
    model="chat",
    old=Release(slot=Slot.BLUE, release=3),
    new=Release(slot=Slot.GREEN, release=4),
    scorer="rouge_l",
    prompts="golden.jsonl",
    skipped=2,
)


def case(name: str, old: float, new: float, **changes: Any) -> Case:
    """A prompt that both releases answered."""
    prompt = GoldenPrompt(id=name, ask=f"Question {name}?", reference="Good.")
    answers = {Slot.BLUE: f"old {name}", Slot.GREEN: f"new {name}"}
    values: dict[str, Any] = {"answers": answers, "scores": {Slot.BLUE: old, Slot.GREEN: new}}
    return Case(prompt=prompt, **{**values, **changes})


def compared(*cases: Case, gate: Gate | None = None) -> Comparison:
    """Their comparison."""
    return compare(SUBJECT, cases, gate_of(gate), at="2026-11-22T21:30:00+00:00")


def many(old: float, new: float, count: int = 40) -> list[Case]:
    """So many prompts, with some variety."""
    return [case(f"p{number:02}", old + number % 5 / 50, new + number % 3 / 50) for number in range(count)]


def test_equal_releases_pass_and_worse_ones_fail() -> None:
    """The gate of a rollout says so, of the same scores."""
    assert compared(*many(0.8, 0.8)).verdict.answer is Answer.PASS
    assert compared(*many(0.8, 0.4)).verdict.answer is Answer.FAIL


def test_a_better_release_passes() -> None:
    """A change for the better is no reason to go back."""
    assert compared(*many(0.4, 0.8)).verdict.answer is Answer.PASS


def test_too_few_prompts_are_inconclusive() -> None:
    """Neither good nor bad: nobody knows."""
    assert compared(*many(0.8, 0.1, count=3)).verdict.answer is Answer.INCONCLUSIVE
    assert compared().verdict.answer is Answer.INCONCLUSIVE


def test_the_files_gate_is_asked() -> None:
    """What the file allows decides, not what a command believes."""
    assert compared(*many(0.8, 0.6), gate=Gate(worse_by=40, min_samples=10)).verdict.answer is Answer.PASS
    assert compared(*many(0.8, 0.8), gate=Gate(limit=95, min_samples=10)).verdict.answer is Answer.FAIL


def test_only_prompts_with_both_scores_count() -> None:
    """A mean over other questions would compare the questions."""
    failed = case("x", 0, 0, scores={Slot.BLUE: 0.0}, errors={Slot.GREEN: "status 500"})
    unscored = case("y", 0, 0, scores={}, unscored="the judge: status 503")
    found = compared(*many(0.8, 0.8, count=10), failed, unscored)
    assert (found.asked, found.compared, found.unscored) == (12, 10, 1)
    assert found.old.mean == pytest.approx(84)
    assert (found.new.failed, found.new.failures) == (1, {"status 500": 1})
    assert found.rows[-1].problem == "the judge: status 503"
    assert found.rows[-2].problem == "release 4: status 500"


def test_the_most_changed_for_the_worse_come_first() -> None:
    """They are what a person wants to read."""
    found = compared(case("same", 0.5, 0.5), case("worse", 0.9, 0.1), case("better", 0.1, 0.9))
    assert [row.id for row in found.rows] == ["worse", "same", "better"]


def test_the_interval_holds_the_mean_and_repeats() -> None:
    """Its width shows how much the prompts disagree; the same scores give the same numbers."""
    old = {str(number): 0.5 for number in range(50)}
    steady = difference(old, dict.fromkeys(old, 0.6))
    spread = difference(old, {name: 0.6 + (-1) ** int(name) * 0.3 for name in old})
    assert steady is not None
    assert spread is not None
    assert (steady.low, steady.mean, steady.high) == pytest.approx((10, 10, 10))
    assert spread.mean == pytest.approx(10)
    assert spread.low < 10 < spread.high
    assert 10 < spread.high - spread.low < 25
    assert spread == difference(old, {name: 0.6 + (-1) ** int(name) * 0.3 for name in old})
    assert difference({"a": 1}, {"a": 1}) is None


def view(found: Comparison) -> str:
    """What people see on 80 columns."""
    console = Console(file=io.StringIO(), width=80)
    console.print(comparison_view(found))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_people_see_means_changes_and_the_verdict() -> None:
    """The numbers, what they rest on, and what is missing."""
    answers, errors = {Slot.BLUE: "old"}, {Slot.GREEN: "status 500"}
    failed = case("x", 0, 0, answers=answers, scores={Slot.BLUE: 0.0}, errors=errors)
    text = view(compared(*many(0.8, 0.4), failed))
    assert "release 4 (green) against 3 (blue)" in text
    assert re.search(r"old +3 +84\.0 +41 +0", text)
    assert re.search(r"new +4 +4[12]\.\d +40 +1 \(status 500\)", text)
    assert "95% interval" in text
    assert "1 of 41 prompts are not compared" in text
    assert "2 more prompts have nothing that rouge_l compares with" in text
    assert "fail: " in text


def test_long_ids_and_answers_leave_room_for_the_numbers() -> None:
    """One line a prompt, on a terminal of 80 columns, whatever a model says."""
    talk = {Slot.BLUE: "x", Slot.GREEN: "blah\n" * 200}
    lines = view(compared(case("a-very-long-name-of-a-prompt", 0.9, 0.1, answers=talk))).splitlines()
    (line,) = [line for line in lines if "blah" in line]
    assert re.match(r"a-very-long-name-of… +blah blah .*… +90\.0 +10\.0", line)


class Tags(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag, and what it would load."""
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_is_complete_and_loads_nothing() -> None:
    """It is an artefact of CI: one file, opened anywhere, years later."""
    page = html(compared(*many(0.8, 0.4)))
    parsed = Tags(page)
    assert parsed.links == []
    assert "script" not in parsed.tags
    assert parsed.tags.count("details") == 40
    assert "svg" in parsed.tags
    assert "prefers-color-scheme: dark" in page


def test_answers_cannot_write_the_page() -> None:
    """A model says anything, markup included."""
    evil = "<script>alert(1)</script>"
    prompt = GoldenPrompt(id=evil, ask=evil, reference=evil)
    answers = {Slot.BLUE: evil, Slot.GREEN: evil}
    bad = Case(prompt=prompt, answers=answers, errors={Slot.GREEN: evil}, unscored=evil)
    assert "script" not in Tags(html(compared(bad))).tags


def test_reports_are_written_by_their_name(tmp_path: Path) -> None:
    """One for people, one for programs; what can't be written is told."""
    found = compared(*many(0.8, 0.4))
    save(found, tmp_path / "r.json")
    save(found, tmp_path / "r.html")
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["verdict"]["answer"] == "fail"
    assert document["rows"][0]["old_answer"].startswith("old ")
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    with pytest.raises(LlmctlError, match="--output"):
        save(found, tmp_path / "none" / "r.html")


def slot_state(slot: Slot, release: int, *running: int, phase: Phase = Phase.HEALTHY) -> SlotState:
    """A slot whose replicas run these releases."""
    replicas = tuple(
        Replica(
            id=f"i-{slot}-{number}",
            phase=phase,
            detail="",
            slot=slot,
            market=Market.SPOT,
            release=each,
            type="g5.xlarge",
            zone="us-east-1a",
            launched=None,
        )
        for number, each in enumerate(running)
    )
    return SlotState(slot=slot, weight=50, release=release, wanted=len(running), replicas=replicas)


def test_the_newer_release_is_judged_unless_told_otherwise() -> None:
    """Slots swap with each rollout, numbers only grow; a rollback is the exception that people name."""
    slots = (slot_state(Slot.BLUE, 4, 4, 4), slot_state(Slot.GREEN, 3, 3))
    assert sides("chat", slots, None) == (
        Release(slot=Slot.GREEN, release=3),
        Release(slot=Slot.BLUE, release=4),
    )
    assert [side.release for side in sides("chat", slots, (4, 3))] == [4, 3]


@pytest.mark.parametrize(
    ("green", "releases", "said"),
    [
        (slot_state(Slot.GREEN, 4), None, "green has no healthy replica"),
        (slot_state(Slot.GREEN, 4, 4, phase=Phase.LOADING), None, "green has no healthy replica"),
        (slot_state(Slot.GREEN, 4, 4, 2), None, "of several releases"),
        (slot_state(Slot.GREEN, 3, 3), None, "both slots have release 3"),
        (slot_state(Slot.GREEN, 4, 4), (2, 3), "releases 2 and 3 aren't the two"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    green: SlotState, releases: tuple[int, int] | None, said: str
) -> None:
    """Before a single prompt is sent."""
    with pytest.raises(Refused, match=said):
        sides("chat", (slot_state(Slot.BLUE, 3, 3), green), releases)


def test_the_command_line_wins_over_the_file() -> None:
    """Another scorer for once needs no edit."""
    configured = Quality(scorer="judge", url="http://j/v1", model="m", api_key_env="K")
    assert quality_of(configured, ScorerOptions()) == configured
    changed = quality_of(configured, ScorerOptions(scorer="embedding", model="e"))
    assert (changed.scorer, changed.url, changed.model) == ("embedding", "http://j/v1", "e")
    with pytest.raises(Refused, match="how answers are scored"):
        quality_of(None, ScorerOptions())


def test_each_verdict_has_its_exit_code() -> None:
    """Pipelines decide by it."""
    codes = [verdict_code(compared(*cases).verdict) for cases in (many(0.8, 0.8), many(0.8, 0.4), [])]
    assert codes == [ExitCode.OK, ExitCode.FAILED, ExitCode.INCONCLUSIVE]
