"""`llmctl simulate`."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.drawing import DrawingType
from cli.options import DURATION, json_option
from infra.errors import ExitCode
from infra.simulate.comparison import POLICIES, compare

if TYPE_CHECKING:
    from infra.simulate.synthetic import Parameters
    from infra.simulate.types import Demand, Outcome, Rules, Trace
    from infra.spot.types import Settings

_WANTED = 4
_FILE = click.Path(path_type=Path)


@click.command(name="simulate")
@click.argument("trace", type=_FILE, required=False)
@click.option(
    "--synthetic",
    "drawn",
    type=DrawingType(),
    metavar="NAME=NUMBER,...",
    help="Draw a trace instead: zones=3,days=30,up=0.6,changes=8,capacity=4,correlation=0.2,seed=1.",
)
@click.option("--save", type=_FILE, help="Write the drawn trace there, as CSV.")
@click.option(
    "--policy", "names", multiple=True, type=click.Choice(tuple(POLICIES)), help="Only this; repeatable."
)
@click.option(
    "--env", "-e", "env", metavar="NAME", help="Wanted, prices and llmctl's settings from this file."
)
@click.option("--model", metavar="MODEL", help="Of the environment; needed where it has several.")
@click.option("--wanted", type=click.IntRange(1), help="Replicas.  [default: 4, or replicas.min of --env]")
@click.option(
    "--demand", type=_FILE, help="A CSV file with the columns seconds, wanted, instead of --wanted."
)
@click.option("--cold-start", type=DURATION, default="180s", show_default=True, help="From launch to ready.")
@click.option(
    "--spot-price",
    type=click.FloatRange(0, 1, min_open=True),
    help="Of a spot replica, relative to an on-demand one.  [default: 1/3, or instances.price of --env]",
)
@click.option(
    "--notice", type=DURATION, default="0s", show_default=True, help="How early losses are announced."
)
@click.option(
    "--announced",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="Share of losses announced.",
)
@click.option(
    "--standby-start", type=DURATION, help="On-demand replicas wait stopped, and start in this time."
)
@click.option("--free-first-hour", is_flag=True, help="Spot interrupted in its first hour costs nothing.")
@click.option(
    "--overprovision",
    type=click.IntRange(0),
    help="llmctl's extras.  [default: 1, or spot.overprovision of --env]",
)
@click.option("--optimise", is_flag=True, help="Search llmctl's cheapest settings that keep --slo.")
@click.option(
    "--slo",
    type=click.FloatRange(0, 100),
    default=99.9,
    show_default=True,
    help="Percent of the time with all that are wanted, for --optimise.",
)
@click.option("--chart", type=_FILE, metavar="FILE", help="Also write a page with charts (HTML).")
@click.option("--optimum", is_flag=True, help="Also the least cost at each availability.")
@json_option
def command(
    trace: Path | None,
    names: tuple[str, ...],
    env: str | None,
    model: str | None,
    wanted: int | None,
    demand: Path | None,
    drawn: "Parameters | None",
    save: Path | None,
    spot_price: float | None,
    overprovision: int | None,
    slo: float,
    chart: Path | None,
    *,
    optimise: bool,
    optimum: bool,
    as_json: bool,
    **market: Any,
) -> None:
    """Replay a capacity TRACE against spot policies: how available, at what cost.

    TRACE is a folder with a JSON file for each zone, or a CSV file (docs/simulate.md has the formats).
    """
    from infra.simulate.traces import read_demand
    from infra.simulate.types import Demand, Rules

    minimum, held = _settings(env, model)
    settings = _given(held, spot_price, overprovision)
    rules = Rules(**market, spot_price=settings.spot_price)
    capacity = _capacity(trace, drawn, save)
    needed = read_demand(demand) if demand else Demand.constant(wanted or minimum)
    if optimise:
        _optimise(capacity, needed, rules, settings, slo / 100, as_json=as_json)
        return
    outcomes = compare(capacity, needed, rules, settings, names)
    floors = _floors(capacity, needed, rules, outcomes) if optimum else ()
    if chart:
        _write_chart(chart, capacity, outcomes)
    _tell(capacity, outcomes, floors, as_json=as_json)


def _capacity(path: Path | None, drawn: "Parameters | None", save: Path | None) -> "Trace":
    """The trace that is read or drawn."""
    from infra.simulate.synthetic import draw
    from infra.simulate.synthetic import save as write
    from infra.simulate.traces import read_trace

    if (path is None) is (drawn is None):
        raise click.UsageError("give a TRACE, or --synthetic")
    if drawn is None:
        assert path is not None
        return read_trace(path)
    trace = draw(drawn)
    if save:
        write(trace, save)
    return trace


def _write_chart(path: Path, trace: "Trace", outcomes: "Sequence[Outcome]") -> None:
    from cli.render.simulate_chart import page
    from infra.errors import Refused

    try:
        path.write_text(page(trace, outcomes))
    except OSError as error:
        raise Refused(f"{path} can't be written: {error.strerror}") from error


def _settings(env: str | None, name: str | None) -> "tuple[int, Settings]":
    """Replicas wanted and llmctl's settings; of a model, with prices relative to on demand, or as shipped."""
    from infra.spot.types import Settings

    if env is None:
        if name:
            raise click.UsageError("--model needs --env")
        return _WANTED, Settings()
    from infra.environment.load import find, load
    from infra.guardian.planning import settings

    models = load(find(env)).models
    if name is None and len(models) > 1:
        raise click.UsageError(f"{env} has several models: choose one by --model: {', '.join(models)}")
    model = models.get(name or next(iter(models)))
    if model is None:
        raise click.UsageError(f"{env} has no model {name}; there are {', '.join(models)}")
    return max(model.replicas.min, 1), settings(model).relative


def _tell(trace: "Trace", outcomes: "Sequence[Outcome]", floors: Sequence[float], *, as_json: bool) -> None:
    from cli.render import emit_json
    from cli.render.simulate import document, print_outcomes

    if as_json:
        emit_json(document(trace, outcomes, floors))
    else:
        print_outcomes(trace, outcomes, floors)


def _given(held: "Settings", spot_price: float | None, overprovision: int | None) -> "Settings":
    """What the command line says wins over the file."""
    if spot_price is not None:
        held = replace(held, spot_price=spot_price)
    if overprovision is not None:
        held = replace(held, overprovision=overprovision)
    return held


def _optimise(
    trace: "Trace", demand: "Demand", rules: "Rules", held: "Settings", slo: float, *, as_json: bool
) -> None:
    """Print what was found; leaves with the code for an inconclusive answer where nothing keeps the SLO."""
    from cli.render import emit_json
    from cli.render.simulate import found_document, print_found
    from infra.simulate.search import candidates, search

    tried = candidates(held, min(wanted for _, wanted in demand.steps))
    with click.progressbar(tried, label="searching", file=sys.stderr) as shown:
        found = search(trace, demand, rules, shown, slo)
    if as_json:
        emit_json(found_document(found, slo))
    else:
        print_found(found, slo)
    if found.seen.availability < slo:
        click.get_current_context().exit(ExitCode.INCONCLUSIVE)


def _floors(
    trace: "Trace", demand: "Demand", rules: "Rules", outcomes: "Sequence[Outcome]"
) -> tuple[float, ...]:
    from infra.simulate.optimum import least_cost

    return tuple(least_cost(trace, demand, rules, outcome.availability) for outcome in outcomes)
