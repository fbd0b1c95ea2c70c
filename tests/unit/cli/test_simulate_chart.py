"""The page of a simulation."""

import re
from pathlib import Path

import pytest

from cli.app import run
from cli.render.simulate_chart import page
from infra.errors import ExitCode
from infra.simulate.comparison import compare
from infra.simulate.synthetic import Parameters, draw
from infra.simulate.types import Demand, Rules
from infra.spot.types import Settings

TRACE = draw(Parameters(days=2))
OUTCOMES = compare(TRACE, Demand.constant(4), Rules(), Settings())


def points(text: str) -> dict[str, tuple[float, float]]:
    """Where each policy's point is."""
    found = re.findall(r'<circle class="\w+" cx="([\d.]+)" cy="([\d.]+)" r="4"><title>(.*?): ', text)
    return {name: (float(x), float(y)) for x, y, name in found}


def test_every_policy_has_its_point() -> None:
    """Dearer is further right, more available is further up."""
    found = points(page(TRACE, OUTCOMES))
    assert set(found) == {each.policy for each in OUTCOMES}
    by_cost = sorted(OUTCOMES, key=lambda each: each.cost)
    assert [found[each.policy][0] for each in by_cost] == sorted(x for x, _ in found.values())
    by_lack = sorted(OUTCOMES, key=lambda each: -each.availability)
    assert [found[each.policy][1] for each in by_lack] == sorted(y for _, y in found.values())


def test_the_replicas_over_time_are_llmctls() -> None:
    """Three lines; without llmctl among the policies there is no such chart."""
    text = page(TRACE, OUTCOMES)
    for name in ("wanted", "spot", "ready"):
        assert f'<path class="{name}" d="M' in text
    others = [each for each in OUTCOMES if each.policy != "llmctl"]
    assert "over time" not in page(TRACE, others)


def test_the_page_stands_alone() -> None:
    """It can be mailed and opened anywhere: nothing is fetched, nothing is run."""
    text = page(TRACE, OUTCOMES)
    assert "http" not in text
    assert "<script" not in text


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside the table; a place that can't be written to is refused with words."""
    command = ["simulate", "--synthetic", "days=1", "--policy", "llmctl", "--chart"]
    file = tmp_path / "chart.html"
    assert run([*command, str(file)]) == ExitCode.OK
    assert file.read_text().startswith("<!doctype html>")
    assert run([*command, str(tmp_path / "none" / "chart.html")]) == ExitCode.REFUSED
    assert "can't be written" in capsys.readouterr().err
