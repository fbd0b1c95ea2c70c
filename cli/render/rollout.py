"""A rollout on a terminal: both slots side by side, the steps, the gates, and what people can do next.

Where nobody looks at a terminal, one plain line for each change. Everything fits into 80 columns.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click
from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.render.quantity import quantity
from cli.render.rollout_plan import words
from infra.rollout.types import Answer, Enter, Phase, Progress, Verdict
from infra.rollout.view import PastView, Reached, RolloutView, SideView, view

_NARROWEST = 80
_NOTHING = "-"
_PHASE_STYLES = {
    Phase.BAKING: "cyan",
    Phase.PAUSED: "yellow",
    Phase.KEEPING: "green",
    Phase.DONE: "green",
    Phase.RESTORING: "red",
    Phase.RETURNING: "red",
    Phase.CLEARING: "red",
    Phase.ROLLED_BACK: "red",
}
_ANSWERS = {
    Answer.PASS: ("pass", "green"),
    Answer.FAIL: ("FAIL", "bold red"),
    Answer.INCONCLUSIVE: ("can't tell yet", "yellow"),
}
_NUMBERS_MOVE = (Phase.BAKING, Phase.PAUSED, Phase.KEEPING)
"""Phases whose reason to wait changes its numbers each time: lines would repeat themselves."""

Show = Callable[[Progress], None]


@contextmanager
def watching_rollout(env: str = "") -> Iterator[Show]:
    """Yield a function that shows each state it is given, on stderr. `env`: for the commands it advises."""
    console = Console(stderr=True)
    if console.is_terminal:
        with Live(console=console, refresh_per_second=4) as live:
            yield lambda progress: live.update(rollout_view(view(progress), env))
    else:
        yield PlainLines()


class PlainLines:
    """Writes a line whenever something changed, and only then."""

    def __init__(self) -> None:
        self._last: object = None
        self._answers: list[tuple[str, Answer]] = []

    def __call__(self, progress: Progress) -> None:
        """Write one, if it tells something new."""
        if isinstance(progress.decision, Enter):
            return  # the next one tells where it has come to
        seen = view(progress)
        doing = "" if seen.phase in _NUMBERS_MOVE else seen.doing
        answers = [(each.gate, each.answer) for each in seen.verdicts]
        told = (seen.phase, seen.step, seen.weight, doing, answers)
        if told != self._last:
            line = plain_line(seen, gates=answers != self._answers)
            self._last, self._answers = told, answers
            sys.stderr.write(f"{seen.now:%H:%M:%S} {line}\n")
            sys.stderr.flush()


def plain_line(seen: RolloutView, *, gates: bool = True) -> str:
    """A rollout in one line, for logs."""
    parts = [
        f"{seen.model}: {seen.phase} at {seen.weight} %",
        f"release {seen.new.release} {_healthy(seen.new)}, release {seen.old.release} {_healthy(seen.old)}",
        seen.doing or seen.reason,
    ]
    if gates and seen.verdicts:
        words_of = (f"{each.gate} {_ANSWERS[each.answer][0]}" for each in seen.verdicts)
        parts.append(f"gates: {', '.join(words_of)}")
    return "; ".join(filter(None, parts))


def print_rollout(progress: Progress, env: str) -> None:
    """Write where a rollout is to stdout."""
    console = Console()
    wide = Console(width=max(console.width, _NARROWEST), highlight=False)
    wide.print(rollout_view(view(progress), env))


def rollout_view(seen: RolloutView, env: str) -> RenderableType:
    """All there is to see of it."""
    parts: list[RenderableType] = [_title(seen), _phase(seen), _bar(seen), _sides(seen)]
    if seen.verdicts:
        parts.append(_gates(seen.verdicts))
    parts += [Text(f"! {problem}", style="red") for side in (seen.old, seen.new) for problem in side.problems]
    parts.append(_driver(seen))
    if told := advice(seen, env):
        parts.append(Text(told, style="bold"))
    return Group(*parts)


def advice(seen: RolloutView, env: str) -> str:
    """What a person can do now; empty when there is nothing."""
    where = f"--env {env} {seen.model}" if env else seen.model
    if seen.phase is Phase.KEEPING:
        return f"llmctl rollback {where}  goes back at once"
    if seen.over:
        return f"llmctl rollout report {where}  tells how it went"
    if not seen.driver and (seen.phase.back or seen.phase is not Phase.PAUSED):
        return f"llmctl resume {where}  goes on from here"
    if seen.phase is Phase.PAUSED:
        return f"llmctl promote {where}  goes on\nllmctl abort {where}  goes back"
    return "" if seen.phase.back or seen.phase is Phase.DRAINING else f"llmctl abort {where}  goes back"


def print_history(rows: Sequence[PastView]) -> None:
    """A row for each rollout, newest first."""
    if not rows:
        click.echo("no rollouts yet", err=True)
        return
    table = Table(box=box.SIMPLE_HEAD)
    for name in ("rollout", "model", "release", "strategy", "ended as", "took", "why"):
        table.add_column(name)
    for row in rows:
        ended = row.phase.ended or row.phase is Phase.KEEPING
        state = Text(f"{row.phase}" if ended else f"{row.phase} at {row.weight} %")
        state.stylize(_PHASE_STYLES.get(row.phase, "cyan"))
        took = words((row.since - row.began).total_seconds()) if row.began and row.phase.ended else _NOTHING
        releases = f"{row.old_release} -> {row.new_release}"
        why = f"{row.cause}: {row.reason}" if row.cause else row.reason
        table.add_row(row.id, row.model, releases, row.strategy, state, took, why or _NOTHING)
    Console(width=max(Console().width, 120), highlight=False).print(table)


def _title(seen: RolloutView) -> Text:
    return Text.assemble(
        (seen.model, "bold"), f"  release {seen.old.release} -> {seen.new.release}, {seen.strategy}"
    )


def _phase(seen: RolloutView) -> Text:
    text = Text(no_wrap=False)
    text.append(f"{seen.phase}", style=_PHASE_STYLES.get(seen.phase, "cyan"))
    text.append(f": {seen.meaning}")
    left = _left(seen)
    if left:
        text.append(f", {left} left", style="bold")
    why = seen.reason or (seen.doing if seen.doing != "baking" else "")
    return text.append(f"\n{why}") if why else text


def _left(seen: RolloutView) -> str:
    if seen.until is None or seen.until <= seen.now:
        return ""
    return words((seen.until - seen.now).total_seconds())


def _bar(seen: RolloutView) -> Text:
    """The steps in a row: what is past is filled, the present one is marked."""
    styles = {Reached.PAST: "green", Reached.PRESENT: "bold cyan", Reached.AHEAD: "dim"}
    marks = {Reached.PAST: "●", Reached.PRESENT: "◉", Reached.AHEAD: "○"}
    text = Text("steps  ")
    for number, step in enumerate(seen.steps):
        text.append(" ── " if number else "", style="dim")
        pause = " ‖" if step.pause else ""
        text.append(f"{marks[step.reached]} {step.weight} %{pause}", style=styles[step.reached])
    return text


def _sides(seen: RolloutView) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("")
    for name, side in (("old", seen.old), ("new", seen.new)):
        table.add_column(f"{name}: {side.slot}", justify="right")
    pairs = (seen.old, seen.new)
    table.add_row("release", *(str(side.release) for side in pairs))
    table.add_row("weight", *(quantity(side.weight, "percent") for side in pairs))
    table.add_row("carries", *(quantity(side.share, "percent") for side in pairs))
    table.add_row("replicas", *(_healthy(side) for side in pairs))
    return table


def _gates(verdicts: Sequence[Verdict]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    for name in ("gate", "new", "old", "limit"):
        table.add_column(name, justify="left" if name == "gate" else "right", no_wrap=True)
    table.add_column("verdict")
    for each in verdicts:
        word, style = _ANSWERS[each.answer]
        numbers = (quantity(value, each.unit) for value in (each.new, each.old, each.limit))
        said = Text.assemble((word, style), f"  {each.why}" if each.answer is not Answer.PASS else "")
        table.add_row(each.gate, *numbers, said)
    return table


def _driver(seen: RolloutView) -> Text:
    if seen.over:
        return Text(f"begun by {seen.started_by}" if seen.started_by else "", style="dim")
    if not seen.driver:
        return Text("nobody drives it", style="yellow" if seen.phase is not Phase.KEEPING else "dim")
    return Text(f"driven by {seen.driver}", style="dim")


def _healthy(side: SideView) -> str:
    if side.healthy is None:
        return _NOTHING
    leaving = (side.replicas or 0) - max(side.healthy, side.wanted or 0)
    return f"{side.healthy}/{side.wanted} healthy" + (f", {leaving} leaving" if leaving > 0 else "")
