"""The commands `init`, `validate` and `schema`, through the real entry point."""

import json
from pathlib import Path

import pytest

from cli.app import run
from infra.environment import schema
from infra.errors import ExitCode


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project to stand in."""
    monkeypatch.delenv("LLMCTL_ENVIRONMENTS", raising=False)
    monkeypatch.delenv("LLMCTL_ENV", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "environments").mkdir()
    return tmp_path


def test_init_then_validate(capsys: pytest.CaptureFixture[str]) -> None:
    """The first two commands of a new user work, and data is on stdout."""
    assert run(["init", "mine", "--region", "eu-west-1"]) == ExitCode.OK
    assert capsys.readouterr().out == "environments/mine.yaml\n"
    assert run(["validate", "--env", "mine"]) == ExitCode.OK
    assert "environments/mine.yaml: valid, 1 model" in capsys.readouterr().out


def test_init_refuses_to_overwrite(capsys: pytest.CaptureFixture[str]) -> None:
    """A second `init` of the same name changes nothing."""
    assert run(["init", "mine"]) == ExitCode.OK
    assert run(["init", "mine"]) == ExitCode.REFUSED
    assert "exists already" in capsys.readouterr().err


def test_validate_reports_every_file(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a name all environments are checked, one bad file hiding no other."""
    run(["init", "good"])
    (project / "environments" / "bad.yaml").write_text("environment: bad\n\tx")
    capsys.readouterr()
    assert run(["validate"]) == ExitCode.REFUSED
    output = capsys.readouterr()
    assert "environments/bad.yaml:2:1: a tab" in output.err
    assert "environments/good.yaml: valid" in output.out


def test_validate_as_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A program gets positions and rules without reading prose."""
    run(["init", "mine"])
    path = project / "environments" / "mine.yaml"
    path.write_text(path.read_text().replace("{min: 1, max: 4}", "{min: 5, max: 4}"))
    capsys.readouterr()
    assert run(["validate", str(path), "--json"]) == ExitCode.REFUSED
    report = json.loads(capsys.readouterr().out)
    assert report["valid"] is False
    [problem] = report["files"][0]["problems"]
    assert problem["where"] == "models.chat.replicas.min"
    assert problem["rule"] == "replicas"
    assert path.read_text().splitlines()[problem["line"] - 1][problem["column"] - 1] == "5"


def test_validate_without_environments(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty project is told how to begin."""
    assert run(["validate"]) == ExitCode.REFUSED
    assert "llmctl init" in capsys.readouterr().err


def test_schema_is_printed_as_committed(capsys: pytest.CaptureFixture[str]) -> None:
    """`llmctl schema > environments/schema.json` is all it takes to renew it."""
    assert run(["schema"]) == ExitCode.OK
    assert capsys.readouterr().out == schema.text()
