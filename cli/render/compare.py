"""`compare`: a line of progress on stderr while it asks, tables when it is done."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from infra.quality.compare import Comparison, Row, Side
from infra.quality.evaluate import Case
from infra.rollout.types import Answer, Verdict

_SHOWN = 5
"""Prompts that are shown of those that differ most; the report has all."""
_ID, _ANSWER = 20, 38
"""Signs of an id and of an answer: with two numbers they fit into 80."""
_STYLES = {Answer.PASS: "green", Answer.FAIL: "red", Answer.INCONCLUSIVE: "yellow"}


@contextmanager
def showing() -> Iterator[Callable[[int], Callable[[Case], None]]]:
    """Yield what makes a watcher of so many prompts; on a terminal it shows a line that changes."""
    if not sys.stderr.isatty():
        yield lambda count: lambda case: None
        return
    with Live(console=Console(stderr=True), refresh_per_second=4, transient=True) as live:

        def watching(count: int) -> Callable[[Case], None]:
            done: list[Case] = []

            def watch(case: Case) -> None:
                done.append(case)
                missing = sum(not each.scores for each in done)
                told = f", {missing} without a score" if missing else ""
                live.update(Text(f"{len(done)} of {count} prompts asked{told}"))

            return watch

        yield watching


def print_comparison(found: Comparison) -> None:
    """Write the comparison to stdout."""
    Console(highlight=False).print(comparison_view(found))


def comparison_view(found: Comparison) -> RenderableType:
    """Verdict, means, the prompts that differ most, what is missing."""
    parts: list[RenderableType] = [_header(found), _means(found), *_difference(found), Text()]
    changed = [row for row in found.rows if row.difference]
    if changed:
        parts += [_changed(changed, found), Text()]
    missing = found.asked - found.compared
    if missing:
        parts.append(Text(f"{missing} of {found.asked} prompts are not compared:", style="yellow"))
        parts += [Text(f"  {row.id}: {row.problem}") for row in found.rows if row.problem][:_SHOWN]
    if found.subject.skipped:
        skipped = (
            f"{found.subject.skipped} more prompts have nothing that {found.subject.scorer} compares with"
        )
        parts.append(Text(skipped, style="dim"))
    return Group(*parts, _verdict(found.verdict))


def _header(found: Comparison) -> Text:
    subject = found.subject
    return Text.assemble(
        (subject.model, "bold"),
        f"  release {subject.new.release} ({subject.new.slot}) against "
        f"{subject.old.release} ({subject.old.slot})\n",
        (f"{found.asked} prompts of {subject.prompts}, scored by {subject.scorer}, 0 to 100", "dim"),
    )


def _means(found: Comparison) -> Table:
    table = _table("", "release", ("mean", "answered", "failed"))
    for name, side in (("old", found.old), ("new", found.new)):
        table.add_row(name, str(side.release), _number(side.mean), str(side.answered), _failed(side))
    return table


def _difference(found: Comparison) -> list[Text]:
    if (change := found.difference) is None:
        return []
    interval = f"{change.confidence:.0%} interval {change.low:+.1f} to {change.high:+.1f}"
    return [Text.assemble("difference  ", (f"{change.mean:+.1f}", "bold"), f"  ({interval})")]


def _changed(rows: list[Row], found: Comparison) -> Table:
    """Those that changed most, for the worse first."""
    rows = sorted(rows, key=lambda row: (-abs(row.difference or 0), row.id))[:_SHOWN]
    table = _table("differ most", "new answer", ("old", "new"))
    for row in sorted(rows, key=lambda row: row.difference or 0):
        cells = (_short(row.id, _ID), _short(row.new_answer or "", _ANSWER))
        table.add_row(*cells, _number(row.old), _number(row.new))
    return table


def _verdict(verdict: Verdict) -> Text:
    return Text.assemble((str(verdict.answer), f"bold {_STYLES[verdict.answer]}"), f": {verdict.why}")


def _failed(side: Side) -> Text:
    reasons = "; ".join(side.failures)
    return Text(f"{side.failed} ({reasons})", style="red") if side.failed else Text("0")


def _table(first: str, second: str, numbers: tuple[str, ...]) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(first)
    table.add_column(second)
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _short(text: str, longest: int) -> Text:
    found = Text(" ".join(text.split()), no_wrap=True)
    found.truncate(longest, overflow="ellipsis")
    return found


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
