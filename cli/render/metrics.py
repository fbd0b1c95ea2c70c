"""`metrics` as tables with sparklines: an overview of all models, or everything of one."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cli.render.sparkline import sparkline
from infra.metrics.summary import Measure, Row, Summary
from infra.observability.types import Unit

_PIPE_WIDTH, _MIN_WIDTH = 240, 120
"""Narrower, numbers would be cut; a terminal wraps the line instead."""
_NOTHING = "-"
_SPARKS = (16, 8, 4, 0)
_DETAIL_SPARKS = (32, 16, 8, 0)
"""Widths of sparklines, from the widest: the first that fits into the terminal is taken."""

_TITLES = {
    "requests": "requests",
    "errors": "errors",
    "latency_p50": "latency p50",
    "latency_p95": "latency p95",
    "latency_p99": "latency p99",
    "ttft_p50": "first token p50",
    "ttft_p95": "first token p95",
    "ttft_p99": "first token p99",
    "tpot_p50": "per output token p50",
    "tpot_p95": "per output token p95",
    "tokens_generated": "generated tokens",
    "tokens_prompt": "prompt tokens",
    "in_flight": "in flight, per replica",
    "queued": "waiting, per replica",
    "kv_cache": "KV cache",
    "gpu": "GPU",
    "replicas": "replicas",
    "cost": "cost an hour",
    "cost_per_million": "cost of 1 M tokens",
}

_OVERVIEW: tuple[tuple[str, tuple[str, ...], str | None], ...] = (
    ("requests/s", ("requests",), "requests"),
    ("errors", ("errors",), None),
    ("latency p50/p95/p99", ("latency_p50", "latency_p95", "latency_p99"), "latency_p95"),
    ("first token p50/p95", ("ttft_p50", "ttft_p95"), None),
    ("per token", ("tpot_p50",), None),
    ("tokens/s", ("tokens_generated",), "tokens_generated"),
    ("in flight", ("in_flight",), None),
    ("waiting", ("queued",), None),
    ("replicas", ("replicas",), None),
    ("$/h", ("cost",), None),
    ("$/M tokens", ("cost_per_million",), None),
)
"""(heading, measures, the one whose sparkline is shown)."""

_Show = Callable[[Summary], None]


def print_summary(summary: Summary, *, detail: bool) -> None:
    """Write the tables to stdout."""
    width = max(Console().width, _MIN_WIDTH) if sys.stdout.isatty() else _PIPE_WIDTH
    console = Console(width=width)
    console.print(summary_view(summary, console, detail=detail))


@contextmanager
def live_summary(*, detail: bool) -> Iterator[_Show]:
    """Yield a function that shows each summary in place of the one before; page after page in a pipe."""
    if not sys.stdout.isatty():
        yield lambda summary: print_summary(summary, detail=detail)
        return
    console = Console(width=max(Console().width, _MIN_WIDTH))
    with Live(console=console, auto_refresh=False) as live:
        yield lambda summary: live.update(summary_view(summary, console, detail=detail), refresh=True)


def summary_view(summary: Summary, console: Console, *, detail: bool) -> RenderableType:
    """Header, table, and what must be said about missing numbers."""
    minutes = (summary.until - summary.since).total_seconds() / 60
    header = Text.assemble(
        (summary.environment, "bold"),
        f"  {summary.since:%Y-%m-%d %H:%M} to {summary.until:%H:%M} UTC ({minutes:.0f} min)",
    )
    notes = [Text(f"{row.model}: {row.note}", style="yellow") for row in summary.rows if row.note]
    view, sparks = (_details, _DETAIL_SPARKS) if detail else (_overview, _SPARKS)
    tables = (view(summary, spark) for spark in sparks)
    fitting = (table for table in tables if console.measure(table).maximum <= console.width)
    return Group(header, next(fitting, None) or view(summary, 0), *notes)


def _overview(summary: Summary, spark: int) -> Table:
    used = {name for row in summary.rows for name in row.measures}
    columns = [column for column in _OVERVIEW if used & set(column[1])]
    table = _table("model", "release")
    for heading, _, _ in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in summary.rows:
        cells = [_cell(summary, row, names, drawn, spark) for _, names, drawn in columns]
        table.add_row("" if row.release else row.model, _release(row), *cells)
    return table


def _details(summary: Summary, spark: int) -> Table:
    """A line for each measure; values and sparklines of the model and its releases side by side."""
    table = _table("")
    for row in summary.rows:
        table.add_column(row.model if not row.release else _release(row), justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
    for name in _TITLES:
        if any(name in row.measures for row in summary.rows):
            table.add_row(_TITLES[name], *_detail_cells(summary, name, spark))
    return table


def _detail_cells(summary: Summary, name: str, spark: int) -> list[str]:
    cells = []
    for row in summary.rows:
        measure = row.measures.get(name)
        cells.append(_value(measure))
        cells.append(_spark(summary, measure, spark) if measure else "")
    return cells


def _cell(summary: Summary, row: Row, names: Sequence[str], drawn: str | None, spark: int) -> str:
    text = " ".join(_value(row.measures.get(name)) for name in names)
    if drawn is None or not spark:
        return text
    measure = row.measures.get(drawn)
    return f"{text} {_spark(summary, measure, spark) if measure else ' ' * spark}"


def _spark(summary: Summary, measure: Measure, width: int) -> str:
    return sparkline(measure.points, summary.since, summary.until, width, summary.period_seconds)


def _table(*headings: str) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table


def _release(row: Row) -> str:
    if row.release is None:
        return "all"
    return f"{row.slot} {row.release}{' *' if row.live else ''}"


def _value(measure: Measure | None) -> str:
    if measure is None or measure.value is None:
        return _NOTHING
    return _FORMATS[measure.unit](measure.value)


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f}ms" if value < 1 else f"{value:.2f}s" if value < 100 else f"{value:.0f}s"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"


_FORMATS: dict[Unit, Callable[[float], str]] = {
    Unit.COUNT: _number,
    Unit.PER_SECOND: _number,
    Unit.SECONDS: _seconds,
    Unit.PERCENT: lambda value: f"{value:.1f}%",
    Unit.DOLLARS: lambda value: f"{value:.2f}",
}
