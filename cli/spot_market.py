"""What `llmctl local market` was asked for, as steps of capacity by zone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

Steps = tuple[tuple[float, Mapping[str, int]], ...]
"""(seconds, capacity by zone)."""


def told(wanted: Mapping[str, Any]) -> tuple[Steps, float | None]:
    """Steps, and after how many seconds they begin anew. Raises click.UsageError for what can't be."""
    if sum(bool(wanted[name]) for name in ("zones", "flap", "trace")) > 1:
        raise click.UsageError("--zone, --flap and --trace exclude each other")
    if wanted["trace"]:
        return _replayed(wanted["trace"], wanted["onto"], wanted["speed"]), None
    if wanted["flap"]:
        return _flapping(wanted["flap"])
    capacity = {zone: _count(number) for zone, number in _pairs("--zone", wanted["zones"])}
    return (((0.0, capacity),) if capacity else ()), None


def _flapping(pairs: tuple[str, ...]) -> tuple[Steps, float]:
    from cli.options import DURATION

    periods = {zone: float(DURATION.convert(time, None, None)) for zone, time in _pairs("--flap", pairs)}
    if len(set(periods.values())) > 1:
        raise click.UsageError("all zones flap with the same time")
    period = next(iter(periods.values()))
    return ((0.0, dict.fromkeys(periods, 0)), (period, {})), 2 * period


def _replayed(path: Path, onto: str | None, speed: float) -> Steps:
    from infra.simulate.traces import read_trace

    trace = read_trace(path)
    zones = onto.split(",") if onto else []
    if len(zones) != len(trace.zones):
        raise click.UsageError(f"--onto names a zone for each of the trace's: {', '.join(trace.zones)}")
    return tuple((at / speed, dict(zip(zones, counts, strict=True))) for at, counts in trace.changes())


def _pairs(option: str, texts: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs = [text.partition("=") for text in texts]
    for zone, _, value in pairs:
        if not (zone and value):
            raise click.UsageError(f"{option} is ZONE=VALUE, such as {option} us-east-1a=0")
    return [(zone, value) for zone, _, value in pairs]


def _count(text: str) -> int:
    if not text.isdigit():
        raise click.UsageError(f"--zone: {text!r} is not a number of instances")
    return int(text)
