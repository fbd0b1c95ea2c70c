"""The search for settings: cheapest that keeps the SLO, judged on what it has not seen."""

import json
from pathlib import Path

import pytest

from cli.app import run
from infra.errors import ExitCode
from infra.simulate.engine import simulate
from infra.simulate.policies.ours import Ours
from infra.simulate.search import candidates, search
from infra.simulate.traces import part
from infra.simulate.types import Demand, Rules, Trace
from infra.spot.types import Settings

TICKS = 2000
RULES = Rules(cold_start=120.0)


def trace() -> Trace:
    """Two zones that lose what they have every now and then, the second one more often."""
    one = tuple((tick, 0 if tick // 90 % 4 == 3 else 3) for tick in range(0, TICKS, 90))
    two = tuple((tick, 0 if tick // 40 % 3 == 2 else 3) for tick in range(0, TICKS, 40))
    return Trace("drawn", ("us-east-1a", "us-east-1b"), (one, two), TICKS, 30.0)


def test_the_cheapest_that_keeps_it_is_found() -> None:
    """None of the others is both good enough and cheaper, on the part that was searched on."""
    tried, demand, slo = candidates(Settings(), 2), Demand.constant(2), 0.97
    found = search(trace(), demand, RULES, tried, slo)
    assert found.seen.availability >= slo
    first = part(trace(), 0, 0.6)
    others = [simulate(first, demand, RULES, Ours(each)) for each in tried]
    assert found.seen.cost == min(each.cost for each in others if each.availability >= slo)


def test_the_most_available_where_none_keeps_it() -> None:
    """An SLO that can't be kept is answered with the best there is."""
    dry = Trace("dry", ("us-east-1a",), (((0, 1), (500, 0)),), 1000, 30.0)
    limited = [Settings(on_demand_quota=0, overprovision=extra) for extra in (0, 1)]
    found = search(dry, Demand.constant(2), RULES, limited, 0.99)
    assert found.seen.availability < 0.99


def test_a_base_is_a_part_of_what_is_wanted() -> None:
    """Nothing is tried that the environment file would refuse."""
    assert {each.on_demand_base for each in candidates(Settings(), 1)} == {0, 1}


def test_demand_goes_on_where_the_first_part_ended() -> None:
    """The second opinion is asked of the second part of the demand, too."""
    plenty = Trace("plenty", ("us-east-1a",), (((0, 9),),), 1000, 30.0)
    demand = Demand(((0, 1), (600, 4)))
    found = search(plenty, demand, RULES, [Settings(overprovision=0)], 0.5)
    assert found.kept.timeline[0].wanted == 4


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """People get what to paste, programs a document."""
    file = tmp_path / "zones.csv"
    rows = [f"{300 * at},{0 if at % 7 == 6 else 3},{0 if at % 5 == 4 else 3}" for at in range(60)]
    file.write_text("\n".join(["seconds,us-east-1a,us-east-1b", *rows]))
    command = ["simulate", str(file), "--wanted", "1", "--optimise", "--slo"]
    assert run([*command, "90"]) == ExitCode.OK
    assert "spot:\n  on_demand_base: " in capsys.readouterr().out
    assert run([*command, "90", "--json"]) == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert told["met"] is True
    assert set(told["spot"]) == {"on_demand_base", "overprovision", "spare", "hold", "longest_hold"}
