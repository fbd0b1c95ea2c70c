"""`llmctl local`, as a person uses it: up, status, logs, down, each of them twice or too early."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

LLMCTL = str(Path(sys.executable).parent / "llmctl")


def local(state: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """One command with its own state folder."""
    return subprocess.run(
        [LLMCTL, "local", *arguments],
        env={**os.environ, "LLMCTL_STATE_DIR": str(state), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_clouds_life(tmp_path: Path) -> None:
    """Up is idempotent and prints what AWS tools need; status and logs tell; down ends it."""
    assert local(tmp_path, "status").returncode == 6
    first = local(tmp_path, "up")
    try:
        assert first.returncode == 0
        assert "export AWS_ENDPOINT_URL=http://127." in first.stdout
        again = local(tmp_path, "up")
        assert (again.stdout, again.returncode) == (first.stdout, 0)
        assert "runs already" in again.stderr
        status = json.loads(local(tmp_path, "status", "--json").stdout)
        assert (status["name"], status["instances"], status["errors"]) == ("local", [], [])
        assert status["api"] in local(tmp_path, "status").stdout
        assert "ready: local" in local(tmp_path, "logs").stdout
    finally:
        down = local(tmp_path, "down")
    assert (down.returncode, down.stderr) == (0, "the embedded cloud 'local' is down\n")
    assert "was not running" in local(tmp_path, "down").stderr
    assert "ended" in local(tmp_path, "logs").stdout


def test_faults_are_set_shown_and_cleared(tmp_path: Path) -> None:
    """What isn't named stays; what can't be is refused, and changes nothing."""
    assert local(tmp_path, "faults").returncode == 6
    local(tmp_path, "up")
    try:
        assert local(tmp_path, "faults").stdout == "no faults\n"
        local(tmp_path, "faults", "--throttle", "0.2", "--service", "ec2", "--seed", "7")
        held = json.loads(local(tmp_path, "faults", "--propagation", "30s", "--json").stdout)
        assert (held["throttle"], held["propagation"], held["seed"]) == (0.2, 30, 7)
        assert held["services"] == ["ec2"]
        wrong = local(tmp_path, "faults", "--propagation", "2m")
        assert (wrong.returncode, "seconds, 0 to 60, not 120" in wrong.stderr) == (6, True)
        assert local(tmp_path, "faults").stdout == "throttle 0.2, propagation 30.0, services ec2\n"
        assert local(tmp_path, "faults", "--clear").stdout == "no faults\n"
    finally:
        local(tmp_path, "down")
