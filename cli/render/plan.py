"""Shows a plan: its dangers, what it means, then each resource, model by model, and the risks."""

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from cli.render.cost import headline as cost_headline
from cli.render.cost import print_cost
from infra.plan.meaning import SHARED
from infra.plan.report import Change, PlanReport
from infra.plan.values import Difference, as_text

_MARKS = {
    "create": ("+", "green"),
    "update": ("~", "yellow"),
    "replace": ("±", "bold red"),
    "delete": ("-", "bold red"),
}
_SEVERITIES = {
    "danger": "bold red",
    "warning": "yellow",
    "note": "cyan",
    "deny": "bold red",
    "warn": "yellow",
}
_MOST_DIFFERENCES = 12
_MOST_LINES = 12
_WIDEST = 100


def print_plan(report: PlanReport, *, stderr: bool = False) -> None:
    """Print the plan, to stdout unless a question follows it."""
    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    console.print(Text(headline(report), style="bold"))
    for line in alarms(report):
        console.print(Text(f"  {line}", style="bold red"))
    for statement in report.meaning:
        console.print(Text(f"  {statement.model or 'shared'}: {statement.text}"))
    if report.cost and report.has_changes:
        console.print(Text(f"  cost: {cost_headline(report.cost)}"))
    for line in availability(report):
        console.print(Text(f"  availability: {line}"))
    for group in report.groups:
        console.print(Text("\n" + ("shared" if group.model == SHARED else group.model), style="bold"))
        for change in group.changes:
            mark, style = _MARKS.get(change.action, ("?", "cyan"))
            console.print(Text(f"  {mark} {change.address}{reason(change)}", style=style))
            for line in detail(change):
                console.print(Text(f"      {line}", style="dim"))
    if report.cost and report.has_changes:
        console.print(Text("\ncost", style="bold"))
        print_cost(report.cost.after, stderr=stderr)
    _print_risks(console, report)
    for each in report.policy:
        console.print(
            Text(f"  {each.severity} {each.rule}: {each.message}", style=_SEVERITIES[each.severity])
        )


def alarms(report: PlanReport) -> Iterator[str]:
    """A line for each denial and each kind of danger: a reviewer must see them all before the rest."""
    for each in report.policy:
        if each.severity == "deny":
            yield f"DENIED by {each.rule}: {each.message}"
    for name, risks in report.dangers.items():
        more = f" (and {len(risks) - 1} more)" if len(risks) > 1 else ""
        yield f"DANGER {name}: {risks[0].what}{more}"


def availability(report: PlanReport) -> Iterator[str]:
    """A line for each model whose availability the change may touch."""
    for each in report.forecasts:
        was = "" if each.before is None else f" ({each.before:.2%} before)"
        was = ", as before" if each.before == each.after else was
        many = "replica" if each.wanted == 1 else f"{each.wanted} replicas"
        yield f"{each.model} has its {many} {each.after:.2%} of the time on a simulated spot market{was}"


def _print_risks(console: Console, report: PlanReport) -> None:
    if report.risks:
        console.print(Text("\nrisks", style="bold"))
    for risk in report.risks:
        style = "dim" if risk.accepted else _SEVERITIES[risk.severity]
        console.print(Text(f"  {risk.severity} {risk.id}: {risk.what}", style=style))
        told = f"accepted: {risk.accepted}" if risk.accepted else f"{risk.why} {risk.remedy}"
        console.print(Text(f"      {told}", style="dim"))


def headline(report: PlanReport) -> str:
    """The environment, and how many resources are deleted, replaced, created and updated."""
    if not report.has_changes:
        return f"{report.environment}: no changes"
    counts = ", ".join(f"{count} to {action}" for action, count in report.counts.items() if count)
    return f"{report.environment}: {counts or 'only the record of its file changes'}"


def reason(change: Change) -> str:
    """Why a resource is replaced or deleted, in brackets."""
    causes = ", ".join(each.path for each in change.differences if each.replaces)
    told = ": ".join(part for part in (change.reason.replace("_", " "), causes) if part)
    return f" ({told})" if told else ""


def detail(change: Change) -> Iterator[str]:
    """Lines that say what changes in a resource; the longest ones are cut, `--json` has all."""
    for each in change.differences[:_MOST_DIFFERENCES]:
        yield from _lines(each)
    if (left := len(change.differences) - _MOST_DIFFERENCES) > 0:
        yield f"and {left} more"


def _lines(difference: Difference) -> Iterator[str]:
    if difference.lines:
        yield f"{difference.path}:"
        yield from (f"  {_cut(line)}" for line in difference.lines[:_MOST_LINES])
        if (left := len(difference.lines) - _MOST_LINES) > 0:
            yield f"  and {left} more lines"
        return
    after = "known after the apply" if difference.unknown else _cut(as_text(difference.after))
    why = "  (replaces it)" if difference.replaces else ""
    yield f"{difference.path}: {_cut(as_text(difference.before))} -> {after}{why}"


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
