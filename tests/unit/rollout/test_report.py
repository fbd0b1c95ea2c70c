"""A rollout's story as series, as a document, and as a page."""

import json
import re
from html.parser import HTMLParser

import pytest

from cli.render.rollout_report import page, write
from infra.errors import LlmctlError
from infra.rollout.ports import Entry
from infra.rollout.report import Story, document, series, verdicts, weights
from infra.rollout.types import Answer, Cause, Phase, Status, Verdict
from tests.fakes.cluster import a_plan

BEGAN = 1_700_000_000.0


def verdict(gate: str, new: float | None, answer: Answer = Answer.PASS, *, why: str = "fine") -> Verdict:
    """What a gate says in percent, next to an old release at 1 %."""
    return Verdict(gate=gate, answer=answer, new=new, old=1.0, limit=1.5, samples=80, unit="percent", why=why)


def entry(after: float, kind: str, text: str = "", status: Status | None = None, *said: Verdict) -> Entry:
    """A line of the journal, so many seconds after the beginning."""
    return Entry(at=BEGAN + after, actor="ann@laptop 7", kind=kind, text=text, status=status, verdicts=said)


def at(phase: Phase, weight: int, **more: object) -> Status:
    """A status with that weight."""
    return Status(phase=phase, since=BEGAN, weight=weight, **more)  # type: ignore[arg-type]


FAILED = verdict("error_rate", 9.0, Answer.FAIL, why="9 % against <1 %>")
STORY = Story(
    plan=a_plan(started_by="ann@laptop"),
    status=Status(
        phase=Phase.ROLLED_BACK,
        since=BEGAN + 90,
        reason="error_rate: <script>alert(1)</script>",
        cause=Cause.GATE,
        failed=(FAILED,),
    ),
    entries=(
        entry(0, "began", "release 1 to 2", at(Phase.PREPARING, 0)),
        entry(20, "phase", "shifting", at(Phase.SHIFTING, 5)),
        entry(21, "intent", "blue 95, green 5"),
        entry(22, "phase", "baking", at(Phase.BAKING, 5)),
        entry(30, "judged", "", at(Phase.BAKING, 5), verdict("error_rate", 1.1), verdict("ttft_p95", None)),
        entry(35, "judged", "", at(Phase.BAKING, 5), verdict("error_rate", None)),
        entry(40, "phase", "scaling", at(Phase.SCALING, 5)),
        entry(50, "phase", "baking", at(Phase.BAKING, 25)),
        entry(60, "judged", "", at(Phase.BAKING, 25), FAILED),
        entry(61, "phase", "restoring", at(Phase.RESTORING, 25)),
        entry(62, "phase", "returning", at(Phase.RETURNING, 0)),
        entry(63, "phase", "clearing", at(Phase.CLEARING, 0)),
        entry(90, "phase", "rolled back", at(Phase.ROLLED_BACK, 0)),
    ),
)


def test_weights_are_those_that_the_balancer_had() -> None:
    """A weight counts from when it is set, not from when it is about to be."""
    assert weights(STORY) == ((BEGAN, 0), (BEGAN + 22, 5), (BEGAN + 50, 25), (BEGAN + 63, 0))


def test_series_have_gaps_where_nothing_was_measured() -> None:
    """What was not measured is nothing, and not zero."""
    found = {each.gate: [point.new for point in each.points] for each in series(STORY)}
    assert found == {"error_rate": [1.1, None, 9.0], "ttft_p95": [None]}


def test_the_verdicts_that_turned_it_round_stand_at_their_weight() -> None:
    """Each weight has what the gates said last there; the failing ones are never lost."""
    assert verdicts(STORY)[25] == (FAILED,)
    assert [each.new for each in verdicts(STORY)[5]] == [None]


def test_the_document_is_the_journal_as_it_is() -> None:
    """Programs get plan, status and every entry, in order."""
    told = json.loads(document(STORY))
    assert told["plan"]["new_release"] == 2
    assert told["status"]["phase"] == "rolled back"
    assert [each["kind"] for each in told["entries"]][:3] == ["began", "phase", "intent"]


class _Balanced(HTMLParser):
    """Fails on a tag that is closed out of order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_no_network() -> None:
    """It can be attached to a build and opened years later: no script, no link, no image from elsewhere."""
    text = page(STORY, "production")
    parser = _Balanced()
    parser.feed(text)
    assert parser.open == []
    assert {"svg", "table", "style"} <= parser.seen
    assert not parser.seen & {"script", "link", "img", "iframe"}
    assert not re.search(r"https?://|url\(|@import", text)


def test_what_comes_from_the_journal_is_escaped() -> None:
    """An engine's words can't become part of the page."""
    text = page(STORY, "<b>production")
    assert "&lt;script&gt;alert(1)" in text
    assert "9 % against &lt;1 %&gt;" in text
    assert "&lt;b&gt;production" in text


def test_the_page_tells_how_it_ended_and_why() -> None:
    """Outcome, the failing gate with its numbers, and what was changed when."""
    text = page(STORY, "production")
    for words in ("rolled back", "error_rate", '<td class="fail">fail', "9 %", "+21 s", "blue 95, green 5"):
        assert words in text


def test_a_rollout_that_has_only_begun_has_a_page() -> None:
    """CI attaches the report however early it ended."""
    story = Story(plan=a_plan(gates=()), status=at(Phase.PREPARING, 0), entries=())
    text = page(story, "test")
    assert "Nothing was judged." in text
    assert "preparing at 0 %" in text


def test_a_place_that_cannot_be_written_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The path and a way out, instead of a traceback."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.raises(LlmctlError, match=f"{folder}: Is a directory"):
        write("text", folder)
