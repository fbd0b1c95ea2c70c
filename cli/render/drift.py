"""`drift`: what differs, the worst first."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from infra.drift.types import Finding, Kind

_STYLES = {Kind.BROKEN: "red", Kind.MANUAL: "yellow", Kind.WAITING: "cyan", Kind.EXPECTED: "green"}


def print_drift(environment: str, findings: Sequence[Finding]) -> None:
    """A heading for each kind, a line for each finding, what to do below it."""
    console = Console(highlight=False, soft_wrap=True)
    if not findings:
        console.print(f"{environment}: all is as the file says")
        return
    for kind, style in _STYLES.items():
        some = [finding for finding in findings if finding.kind is kind]
        if some:
            console.print(Text(f"{kind} ({len(some)})", style=f"bold {style}"))
        for finding in some:
            model = f"{finding.model}: " if finding.model else ""
            console.print(Text(f"  {model}{finding.what}: {finding.found}"))
            if finding.hint:
                console.print(Text(f"    {finding.hint}", style="dim"))
