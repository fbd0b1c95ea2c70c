"""Drawn traces: repeatable, of the asked kind, and replayable."""

from dataclasses import replace
from pathlib import Path

import pytest

from cli.app import run
from infra.errors import ExitCode
from infra.simulate.synthetic import Parameters, draw, save
from infra.simulate.traces import read_trace

LONG = Parameters(days=200, zones=4)


def share(steps: tuple[tuple[int, int], ...], ticks: int) -> float:
    """Of the time with any capacity."""
    ends = [tick for tick, _ in steps[1:]] + [ticks]
    return sum(end - tick for (tick, value), end in zip(steps, ends, strict=True) if value) / ticks


def test_the_same_parameters_draw_the_same_trace() -> None:
    """A result can be repeated by whoever knows them; another seed is another market."""
    assert draw(Parameters()) == draw(Parameters())
    assert draw(Parameters()) != draw(Parameters(seed=2))


def test_parameters_mean_what_they_say() -> None:
    """Shares, changes and sizes come out as asked for, over a long time."""
    trace = draw(LONG)
    for steps in trace.steps:
        assert share(steps, trace.ticks) == pytest.approx(LONG.up, abs=0.06)
        assert len(steps) / LONG.days == pytest.approx(LONG.changes, rel=0.1)
        assert {value for _, value in steps} == set(range(LONG.capacity + 1))
    assert (len(trace.zones), trace.ticks) == (4, 200 * 2880)


def test_correlated_zones_dry_up_together() -> None:
    """The more they follow the shared market, the more often all are without at once."""

    def dry(correlation: float) -> float:
        trace = draw(replace(LONG, correlation=correlation))
        held, together = [0] * 4, 0
        changes = [dict(steps) for steps in trace.steps]
        for tick in range(trace.ticks):
            held = [change.get(tick, value) for change, value in zip(changes, held, strict=True)]
            together += not any(held)
        return together / trace.ticks

    assert dry(0.9) > 3 * dry(0.0)


def test_what_is_saved_is_replayed(tmp_path: Path) -> None:
    """The CSV file is the same trace."""
    trace, file = draw(Parameters(days=1)), tmp_path / "drawn.csv"
    save(trace, file)
    again = read_trace(file, yes_no=False)
    assert (again.ticks, again.zones) == (trace.ticks, trace.zones)
    for steps, drawn in zip(again.steps, trace.steps, strict=True):
        merged = [
            step for before, step in zip([(-1, -1), *drawn], drawn, strict=False) if before[1] != step[1]
        ]
        assert list(steps) == merged


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Instead of a trace, saved where asked for; one of the two must be there, and not both."""
    file = tmp_path / "drawn.csv"
    command = ["simulate", "--policy", "llmctl"]
    assert run([*command, "--synthetic", "days=2,zones=2", "--save", str(file)]) == ExitCode.OK
    drawn = capsys.readouterr().out
    assert run([*command, str(file)]) == ExitCode.OK
    assert capsys.readouterr().out.splitlines()[-4:] == drawn.splitlines()[-4:]
    assert run(command) == ExitCode.USAGE
    assert run([*command, str(file), "--synthetic", "days=2"]) == ExitCode.USAGE
    for wrong in ("years=2", "days=two", "days=-1", "up=2"):
        assert run([*command, "--synthetic", wrong]) == ExitCode.USAGE
