"""Shows a plan: what would be created, updated, replaced and deleted, model by model."""

from rich.console import Console
from rich.text import Text

from infra.terraform.plan import SHARED, PlanReport

_MARKS = {
    "create": ("+", "green"),
    "update": ("~", "yellow"),
    "replace": ("±", "red"),
    "delete": ("-", "red"),
}


def print_plan(report: PlanReport, *, stderr: bool = False) -> None:
    """Print the plan, to stdout unless a question follows it."""
    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not report.has_changes:
        console.print(f"{report.environment}: no changes")
        return
    for group in report.groups:
        console.print(Text("shared" if group.model == SHARED else group.model, style="bold"))
        for change in group.changes:
            mark, style = _MARKS.get(change.action, ("?", "cyan"))
            reason = f"  ({change.reason.replace('_', ' ')})" if change.reason else ""
            console.print(Text(f"  {mark} {change.address}{reason}", style=style))
    counts = ", ".join(f"{count} to {action}" for action, count in report.counts.items() if count)
    console.print(f"{report.environment}: {counts or 'only outputs change'}")
