"""Shows what an environment costs, by the month."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.cost.bill import Charge
from infra.cost.estimate import SHARED, Estimate
from infra.cost.prices import HOURS_A_MONTH
from infra.plan.report import Costs


def print_cost(cost: Estimate, *, stderr: bool = False) -> None:
    """Print each line and the sums of the models, low, expected and high."""
    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    table = Table("", "$ a month", "low", "high", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for model in dict.fromkeys(line.model for line in cost.lines):
        total = cost.total(model)
        figures = (dollars(total.expected), dollars(total.low), dollars(total.high))
        table.add_row("shared" if model == SHARED else model, *figures, style="bold")
        for line in cost.lines:
            if line.model == model:
                each = (dollars(HOURS_A_MONTH * some) for some in (line.expected, line.low, line.high))
                table.add_row(f"  {line.what}", *each)
    total = cost.total()
    table.add_row("together", dollars(total.expected), dollars(total.low), dollars(total.high), style="bold")
    console.print(table)
    for note in notes(cost):
        console.print(Text(note, style="dim"))


def print_bill(charges: Sequence[Charge]) -> None:
    """Print what ran, for how long, and what it cost."""
    console = Console(highlight=False, soft_wrap=True)
    table = Table("model", "type", "market", "zone", "hours", "$", box=None, pad_edge=False)
    for column in table.columns[4:]:
        column.justify = "right"
    for each in charges:
        ran = each.usage
        cost = "unknown" if each.dollars is None else f"{each.dollars:.4f}"
        table.add_row(each.model or "-", ran.instance_type, ran.market, ran.zone, f"{ran.hours:.3f}", cost)
    together = sum(each.dollars or 0.0 for each in charges)
    table.add_row("together", "", "", "", "", f"{together:.4f}", style="bold")
    console.print(table)


def headline(costs: Costs) -> str:
    """One line: what it will cost, and what it costs now."""
    total, now = costs.after.total(), costs.before.total() if costs.before else None
    told = f"about {dollars(total.expected)} a month"
    if now:
        told += " as now" if now == total else f", now {dollars(now.expected)}"
    return f"{told}; {dollars(total.low)} to {dollars(total.high)} over its range of replicas"


def notes(cost: Estimate) -> Iterator[str]:
    """What a reader must know of the figures."""
    yield f"prices: {cost.source}" + (": STALE, older than a month" if cost.stale else "")
    yield from cost.unpriced
    for model, price in cost.per_million.items():
        yield f"{model}: ${price:.2f} for a million generated tokens, when its replicas are busy"


def dollars(amount: float) -> str:
    """An amount of a size that people compare: cents only where they are most of it."""
    return f"${amount:,.0f}" if amount >= 10 else f"${amount:,.2f}"
