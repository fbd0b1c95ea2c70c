"""Shows what `doctor` found: one line a check, and the remedy below what is missing."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from infra.checks.catalogue import Catalogue
from infra.checks.rule import Result

_MARK = 9
_ID = 20


def print_results(results: Iterable[Result]) -> None:
    """Print the checks: ok, missing (required) or absent (not required)."""
    # Never wrapped nor cut: a path that can't be copied helps nobody.
    console = Console(highlight=False, soft_wrap=True)
    for result in results:
        mark, style = _mark(result)
        line = Text.assemble((mark.ljust(_MARK), style), result.id.ljust(_ID), result.what)
        console.print(line.append(f"  {result.where}", style="dim") if result.where else line)
        if result.remedy:
            console.print(Text(f"{'':{_MARK}}{result.summary}: {result.remedy}", style="cyan"))


def print_rules(catalogue: Catalogue) -> None:
    """Print every rule by what it looks at: its id, how much it weighs, and what it is about."""
    console = Console(highlight=False, soft_wrap=True)
    for title, rules in catalogue.items():
        console.print(Text(title, style="bold"))
        for rule in rules:
            console.print(Text.assemble("  ", rule.id.ljust(_ID), rule.weight.ljust(_MARK), rule.what))
            if rule.remedy:
                console.print(Text(f"{'':{_ID + _MARK + 2}}{rule.remedy}", style="dim"))


def _mark(result: Result) -> tuple[str, str]:
    if result.ok:
        return "ok", "green"
    return ("missing", "bold red") if result.required else ("absent", "yellow")
