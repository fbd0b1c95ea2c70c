"""`simulate`: a row a policy."""

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from infra.simulate.search import Found
from infra.simulate.types import Outcome, Trace
from infra.spot.types import Settings

_DAY = 86_400


def print_outcomes(trace: Trace, outcomes: Sequence[Outcome], floors: Sequence[float] = ()) -> None:
    """The table: availability and cost first."""
    days = trace.ticks * trace.tick_seconds / _DAY
    table = Table(
        title=f"{trace.name}: {days:.1f} days, {len(trace.zones)} zones",
        title_justify="left",
        box=SIMPLE,
        show_edge=False,
        pad_edge=False,
    )
    table.add_column("policy", no_wrap=True)
    for head in ("up", "cost", "spot", "on-dem.", "lost", "bought"):
        table.add_column(head, justify="right", no_wrap=True)
    if floors:
        table.add_column("floor", justify="right", no_wrap=True)
    for index, outcome in enumerate(outcomes):
        floor = (f"{100 * floors[index]:.1f}",) if floors else ()
        table.add_row(outcome.policy, *_cells(outcome), *floor)
    console = Console()
    console.print(table)
    console.print(
        "Up: % of time. Cost: % of all on demand, in its parts. Lost: spot; bought: on demand.",
        style="dim",
    )


def _cells(outcome: Outcome) -> tuple[str, ...]:
    return (
        f"{100 * outcome.availability:.3f}",
        f"{100 * outcome.cost:.1f}",
        f"{100 * outcome.spot_cost:.1f}",
        f"{100 * outcome.on_demand_cost:.1f}",
        str(outcome.interruptions),
        str(outcome.on_demand_launches),
    )


def document(trace: Trace, outcomes: Sequence[Outcome], floors: Sequence[float] = ()) -> dict[str, Any]:
    """The same as plain data; shares are 0 to 1. `least_cost`: the optimum's, if asked for."""
    return {
        "trace": {
            "name": trace.name,
            "zones": list(trace.zones),
            "seconds": trace.ticks * trace.tick_seconds,
            "tick_seconds": trace.tick_seconds,
        },
        "policies": [
            {
                "policy": outcome.policy,
                "availability": outcome.availability,
                "cost": outcome.cost,
                "spot_cost": outcome.spot_cost,
                "on_demand_cost": outcome.on_demand_cost,
                "interruptions": outcome.interruptions,
                "spot_launches": outcome.spot_launches,
                "spot_failures": outcome.spot_failures,
                "on_demand_launches": outcome.on_demand_launches,
            }
            | ({"least_cost": floors[index]} if floors else {})
            for index, outcome in enumerate(outcomes)
        ],
    }


def print_found(found: Found, slo: float) -> None:
    """What to paste into the environment file, and what became of it on both parts of the trace."""
    console = Console()
    if found.seen.availability < slo:
        console.print(f"no settings keep {100 * slo:g} %; the most available are:", style="red")
    console.print("spot:", highlight=False)
    for key, value in _pasted(found.settings).items():
        console.print(f"  {key}: {value}", highlight=False)
    for what, outcome in (("searched on", found.seen), ("not searched on", found.kept)):
        up, cost = 100 * outcome.availability, 100 * outcome.cost
        console.print(f"on the part {what}: {up:.3f} % of the time, at {cost:.1f} % of all on demand")
    if found.kept.availability < slo <= found.seen.availability:
        console.print(f"On the other part it is less than {100 * slo:g} %: leave a margin.", style="yellow")


def found_document(found: Found, slo: float) -> dict[str, Any]:
    """The same as plain data: `spot` as in an environment file; shares are 0 to 1."""
    parts = {"seen": found.seen, "kept": found.kept}
    return {
        "slo": slo,
        "met": found.seen.availability >= slo,
        "spot": _pasted(found.settings),
        **{name: {"availability": each.availability, "cost": each.cost} for name, each in parts.items()},
    }


def _pasted(settings: Settings) -> dict[str, int | str]:
    return {
        "on_demand_base": settings.on_demand_base,
        "overprovision": settings.overprovision,
        "spare": settings.spare,
        "hold": f"{settings.hold_seconds:.0f}s",
        "longest_hold": f"{settings.hold_most_seconds:.0f}s",
    }
