"""Reading traces: formats, clocks, and what is refused."""

import json
from pathlib import Path

import pytest

from infra.errors import Refused
from infra.simulate.traces import NO_LIMIT, read_demand, read_trace


def _zone(folder: Path, name: str, data: object, gap: float = 60) -> None:
    (folder / name).write_text(json.dumps({"metadata": {"gap_seconds": gap}, "data": data}))


def test_a_folder_is_a_set(tmp_path: Path) -> None:
    """Each file is a zone; the shortest ends the trace; values hold until the next."""
    _zone(tmp_path, "us-east-1a_v100_1.json", [0, 4, 4])
    _zone(tmp_path, "us-east-1b_v100_1.json", [2, 2], gap=90)
    trace = read_trace(tmp_path)
    assert trace.zones == ("us-east-1a", "us-east-1b")
    assert (trace.ticks, trace.steps) == (6, (((0, 0), (2, 4)), ((0, 2),)))


def test_zeros_and_ones_are_yes_and_no(tmp_path: Path) -> None:
    """A set with only 0 and 1 says whether there was capacity, not how much, unless told."""
    _zone(tmp_path, "a.json", [0, 1])
    assert read_trace(tmp_path).steps == (((0, 0), (2, NO_LIMIT)),)
    assert read_trace(tmp_path, yes_no=False).steps == (((0, 0), (2, 1)),)


def test_a_table_is_a_set(tmp_path: Path) -> None:
    """CSV: a column of seconds, then a column a zone."""
    path = tmp_path / "trace.csv"
    path.write_text("seconds,a,b\n0,1,3\n300,2,3\n")
    trace = read_trace(path)
    assert (trace.zones, trace.ticks) == (("a", "b"), 20)
    assert trace.steps == (((0, 1), (10, 2)), ((0, 3),))


def test_demand_is_a_table(tmp_path: Path) -> None:
    """Demand has one column, `wanted`."""
    path = tmp_path / "demand.csv"
    path.write_text("seconds,wanted\n0,1\n60,3\n")
    assert read_demand(path).steps == ((0, 1), (2, 3))


@pytest.mark.parametrize("data", [[], [1, -1], [1, 2.5], ["x"], None, [True]])
def test_nonsense_is_refused(tmp_path: Path, data: object) -> None:
    """A file that isn't a trace is named, not guessed at."""
    _zone(tmp_path, "a.json", data)
    with pytest.raises(Refused, match=r"a\.json"):
        read_trace(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "seconds,a\n0,1\n", "time,a\n0,1\n1,1\n", "seconds,a\n0,1\n5,1\n20,1\n"]
)
def test_bad_tables_are_refused(tmp_path: Path, text: str) -> None:
    """Steps must be even, and the columns named."""
    path = tmp_path / "trace.csv"
    path.write_text(text)
    with pytest.raises(Refused, match="trace"):
        read_trace(path)


def test_nothing_there_is_refused(tmp_path: Path) -> None:
    """A wrong path says what would be right."""
    with pytest.raises(Refused, match="no trace"):
        read_trace(tmp_path / "nothing")
