"""`llmctl simulate`: from a folder of traces to a table and a document."""

import json
from pathlib import Path

import pytest

from cli.app import run
from infra.errors import ExitCode
from tests.unit.environment.builders import changed


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


def test_an_environment_tells_what_is_wanted(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Replicas, prices and settings are the file's, and options win over it."""
    command = ["simulate", str(trace), "--policy", "on-demand", "--policy", "llmctl", "--json"]
    file = trace / "sample.yaml"
    price = {"on_demand": 2.0, "spot": 1.0}
    changes = (
        ("models/chat/instances/price", price),
        ("models/chat/replicas", {"min": 1, "max": 3}),
        ("models/chat/spot", {"overprovision": 0}),
    )
    file.write_text(json.dumps(changed(*changes)))
    told = []
    for more in ([], ["--spot-price", "0.25"], ["--wanted", "2"], ["--overprovision", "1"]):
        assert run([*command, "--env", str(file), *more]) == ExitCode.OK
        (_, ours) = json.loads(capsys.readouterr().out)["policies"]
        told.append(ours["cost"])
    plain, cheaper, two, extra = told
    assert plain == pytest.approx(0.5, abs=0.02), "one replica on spot, at half the price"
    assert cheaper == pytest.approx(0.25, abs=0.02)
    assert extra > two >= plain


def test_one_model_of_several_must_be_named(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No guess which one was meant."""
    file = trace / "sample.yaml"
    document = changed()
    document["models"]["french"] = document["models"]["chat"]
    file.write_text(json.dumps(document))
    assert run(["simulate", str(trace), "--env", str(file)]) == ExitCode.USAGE
    assert "chat, french" in capsys.readouterr().err
    assert run(["simulate", str(trace), "--env", str(file), "--model", "french", "--json"]) == ExitCode.OK
    assert run(["simulate", str(trace), "--env", str(file), "--model", "german"]) == ExitCode.USAGE
    assert run(["simulate", str(trace), "--model", "french"]) == ExitCode.USAGE
