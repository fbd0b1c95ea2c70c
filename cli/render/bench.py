"""`bench`: a line of progress on stderr while it runs, tables when it is done."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from infra.bench.generator import Progress
from infra.bench.report import Distribution, Report
from infra.errors import LlmctlError

_MIN_WIDTH = 100
_PLAIN_SECONDS = 10.0
_COLUMNS = ("mean", "p50", "p90", "p95", "p99", "max")


@contextmanager
def showing() -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows progress on stderr: a line that changes, or one every ten seconds."""
    if not sys.stderr.isatty():
        yield _PlainLines()
        return
    with Live(console=Console(stderr=True), refresh_per_second=4, transient=True) as live:
        yield lambda progress: live.update(Text(progress_line(progress), no_wrap=True, overflow="ellipsis"))


class _PlainLines:
    def __init__(self) -> None:
        self._next = _PLAIN_SECONDS

    def __call__(self, progress: Progress) -> None:
        if progress.elapsed >= self._next:
            self._next += _PLAIN_SECONDS
            sys.stderr.write(progress_line(progress) + "\n")
            sys.stderr.flush()


def progress_line(progress: Progress) -> str:
    """Where the run is, how fast answers come, and what failed."""
    failed = sum(progress.failures.values())
    kinds = ", ".join(f"{kind} {count}" for kind, count in progress.failures.items())
    return (
        f"{progress.stage} {progress.elapsed:.0f}/{progress.schedule.end:.0f} s: "
        f"{progress.sent}/{len(progress.schedule.offsets)} sent, {progress.in_flight} in flight, "
        f"{progress.rate:.1f} answers/s, {failed} failed" + (f" ({kinds})" if kinds else "")
    )


def save(report: Report, path: Path) -> None:
    """Write the report as JSON to a file; raises LlmctlError when that fails."""
    document = msgspec.json.format(msgspec.json.encode(report), indent=2)
    try:
        path.write_bytes(document + b"\n")
    except OSError as error:
        raise LlmctlError(
            f"--output {path}: {error}", hint="measure again; --json writes to stdout"
        ) from error


def print_report(report: Report) -> None:
    """Write the report to stdout as tables; times in milliseconds."""
    Console(width=max(Console().width, _MIN_WIDTH), highlight=False).print(report_view(report))


def report_view(report: Report) -> RenderableType:
    """What was measured, counts and rates, times, failures, groups, warnings."""
    parts: list[RenderableType] = [_header(report), _counts(report), Text(), _times(report)]
    if report.failures:
        parts += [Text(), _failures(report)]
    if report.groups:
        parts += [Text(), _groups(report)]
    parts += [Text(f"warning: {warning}", style="yellow") for warning in report.warnings]
    return Group(*parts)


def _header(report: Report) -> RenderableType:
    settings = report.settings
    return Text.assemble(
        (report.target.model, "bold"),
        f"  {report.target.url}\n",
        (
            f"{settings.rate:g}/s {settings.arrivals}, {report.window:.1f} s measured after "
            f"{settings.warmup:g} s of warm-up, {'streaming' if settings.stream else 'not streaming'}, "
            f"seed {settings.seed}" + (", interrupted" if report.interrupted else ""),
            "dim",
        ),
    )


def _counts(report: Report) -> RenderableType:
    requests, rate, tokens = report.requests, report.rate, report.tokens
    table = Table.grid(padding=(0, 2))
    table.add_row(
        "requests",
        Text.assemble(
            f"{requests.scheduled} scheduled, {requests.sent} sent, {requests.succeeded} succeeded, ",
            (f"{requests.failed} failed", "red" if requests.failed else ""),
            f", {requests.unfinished} unfinished" if requests.unfinished else "",
        ),
    )
    table.add_row(
        "rate", f"{rate.offered:.2f}/s offered, {rate.sent:.2f}/s sent, {rate.achieved:.2f}/s achieved"
    )
    table.add_row(
        "tokens",
        f"{_tokens(tokens.prompt, tokens.prompt_per_second)} of prompts, "
        f"{_tokens(tokens.generated, tokens.generated_per_second)} generated, counted by {tokens.counted_by}",
    )
    if report.good is not None:
        kept = ", ".join(f"{each.measure} {each.seconds * 1000:g} ms" for each in report.settings.objectives)
        table.add_row("within", f"{kept}: {report.good.share:.1%} of requests, {report.good.rate:.2f}/s")
    return table


def _tokens(count: int | None, rate: float | None) -> str:
    return "unknown" if count is None or rate is None else f"{count} ({rate:.1f}/s)"


def _times(report: Report) -> RenderableType:
    table = _table("milliseconds", "counted")
    for name, latency in (("first token", report.ttft), ("end to end", report.end_to_end)):
        _add_times(table, name, "from schedule", latency.from_schedule)
        _add_times(table, "", "from send", latency.from_send)
    _add_times(table, "per output token", "after the first", report.tpot)
    _add_times(table, "longest stall", "of each answer", report.stall)
    _add_times(table, "schedule delay", "our own lag", report.schedule_delay)
    return table


def _groups(report: Report) -> RenderableType:
    table = _table(f"by {report.grouped_by}", "from schedule", "succeeded", "failed")
    for group in report.groups:
        counts = (str(group.succeeded), str(group.failed))
        _add_times(table, group.name, "first token", group.ttft.from_schedule, *counts)
        _add_times(table, "", "per output token", group.tpot, "", "")
        _add_times(table, "", "end to end", group.end_to_end.from_schedule, "", "")
    return table


def _failures(report: Report) -> RenderableType:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("failure", style="red")
    table.add_column("count", justify="right")
    table.add_column("example", style="dim")
    for failure in report.failures:
        table.add_row(failure.kind, str(failure.count), Text(failure.example))
    return table


def _table(first: str, second: str, *more: str) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(first)
    table.add_column(second, style="dim")
    for column in (*more, *_COLUMNS):
        table.add_column(column, justify="right")
    return table


def _add_times(table: Table, name: str, what: str, times: Distribution | None, *more: str) -> None:
    values = [getattr(times, column) for column in _COLUMNS] if times else []
    if values or name:
        table.add_row(Text(name), what, *more, *(f"{value * 1000:.1f}" for value in values))
