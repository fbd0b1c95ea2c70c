"""`llmctl simulate`: from a folder of traces to a table and a document."""

import json
from pathlib import Path

import pytest

from cli.app import run
from infra.errors import ExitCode


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Two zones, six hours."""
    for zone, data in (("us-east-1a", [2] * 72), ("us-east-1b", [2] * 30 + [0] * 42)):
        document = {"metadata": {"gap_seconds": 300}, "data": data}
        (tmp_path / f"{zone}.json").write_text(json.dumps(document))
    return tmp_path


def test_document(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Programs get every figure, and the floor where they ask for it."""
    assert run(["simulate", str(trace), "--wanted", "3", "--optimum", "--json"]) == ExitCode.OK
    told = json.loads(capsys.readouterr().out)
    assert told["trace"]["zones"] == ["us-east-1a", "us-east-1b"]
    for policy in told["policies"]:
        assert policy["least_cost"] <= policy["cost"] + 1e-6


def test_table(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """People get a row for each policy they name."""
    assert run(["simulate", str(trace), "--policy", "llmctl", "--policy", "asg"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "llmctl" in out
    assert "SpotHedge" not in out


def test_no_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong path is refused with what would be right."""
    assert run(["simulate", str(tmp_path / "none")]) == ExitCode.REFUSED
    assert "gap_seconds" in capsys.readouterr().err
