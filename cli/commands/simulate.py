"""`llmctl simulate`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.options import DURATION, json_option
from infra.simulate.comparison import POLICIES, compare

if TYPE_CHECKING:
    from infra.simulate.types import Demand, Outcome, Rules, Trace

_FILE = click.Path(path_type=Path)


@click.command(name="simulate")
@click.argument("trace", type=_FILE)
@click.option(
    "--policy", "names", multiple=True, type=click.Choice(tuple(POLICIES)), help="Only this; repeatable."
)
@click.option("--wanted", type=click.IntRange(1), default=4, show_default=True, help="Replicas.")
@click.option(
    "--demand", type=_FILE, help="A CSV file with the columns seconds, wanted, instead of --wanted."
)
@click.option("--cold-start", type=DURATION, default="180s", show_default=True, help="From launch to ready.")
@click.option(
    "--spot-price",
    type=click.FloatRange(0, 1, min_open=True),
    default=1 / 3,
    show_default="1/3",
    help="Of a spot replica, relative to an on-demand one.",
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
    "--overprovision", type=click.IntRange(0), default=1, show_default=True, help="llmctl's extras."
)
@click.option("--optimum", is_flag=True, help="Also the least cost at each availability.")
@json_option
def command(
    trace: Path,
    names: tuple[str, ...],
    wanted: int,
    demand: Path | None,
    overprovision: int,
    *,
    optimum: bool,
    as_json: bool,
    **market: Any,
) -> None:
    """Replay a capacity TRACE against spot policies: how available, at what cost.

    TRACE is a folder with a JSON file for each zone, or a CSV file (docs/simulate.md has the formats).
    """
    from cli.render import emit_json
    from cli.render.simulate import document, print_outcomes
    from infra.simulate.traces import read_demand, read_trace
    from infra.simulate.types import Demand, Rules
    from infra.spot.types import Settings

    rules = Rules(**market)
    settings = Settings(overprovision=overprovision, spot_price=rules.spot_price)
    capacity = read_trace(trace)
    needed = read_demand(demand) if demand else Demand.constant(wanted)
    outcomes = compare(capacity, needed, rules, settings, names)
    floors = _floors(capacity, needed, rules, outcomes) if optimum else ()
    if as_json:
        emit_json(document(capacity, outcomes, floors))
    else:
        print_outcomes(capacity, outcomes, floors)


def _floors(
    trace: "Trace", demand: "Demand", rules: "Rules", outcomes: "Sequence[Outcome]"
) -> tuple[float, ...]:
    from infra.simulate.optimum import least_cost

    return tuple(least_cost(trace, demand, rules, outcome.availability) for outcome in outcomes)
