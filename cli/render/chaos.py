"""`chaos`: the suites, and what a run came to."""

from collections.abc import Iterable

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from infra.chaos.report import Report
from infra.chaos.types import Suite


def print_suites(suites: Iterable[Suite]) -> None:
    """A row each."""
    table = Table("suite", "what happens", "takes", box=SIMPLE, show_edge=False, pad_edge=False)
    for suite in suites:
        table.add_row(suite.name, suite.summary, f"{suite.seconds:g} s")
    Console().print(table)


def print_report(report: Report) -> None:
    """What was done and what was missed, then the verdict."""
    table = Table("at", "what", "hit", "recovered", box=SIMPLE, show_edge=False, pad_edge=False)
    for hit in report.hits:
        instances = "\n".join(hit.instances) or "-"
        table.add_row(f"{hit.at:.0f} s", hit.what, instances, _recovered(hit.recovery))
    console = Console()
    console.print(table)
    console.print(
        f"{report.offered} requests: {report.succeeded} answered, {report.failed} failed"
        f" ({report.truncated} of them broken off)"
    )
    for kind, count in report.failures.items():
        console.print(f"  {count} {kind}")
    if report.availability is not None:
        console.print(f"replicas as wanted: {100 * report.availability:.1f} % of the time")
    if report.cost is not None:
        console.print(f"replicas cost ${report.cost:.4f}")
    for miss in report.misses:
        console.print(f"over the budget: {miss}", style="red")
    console.print("passed" if report.passed else "failed", style="green" if report.passed else "red")


def _recovered(seconds: float | None) -> str:
    if seconds is None:
        return "not"
    return f"after {seconds:.0f} s" if seconds else "nothing lacked"
