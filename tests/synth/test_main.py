"""`python -m stacks`, as llmctl and the cdktf CLI run it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache for the agent's zip, shared by the tests here."""
    return tmp_path_factory.mktemp("cache")


def _run(cache: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LLMCTL", "JSII"))}
    return subprocess.run(
        [sys.executable, "-m", "stacks"],
        cwd=ROOT,
        env={**kept, "LLMCTL_CACHE_DIR": str(cache), "PYTHONWARNINGS": "error", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_writes_a_stack_in_silence(cache: Path, tmp_path: Path) -> None:
    """The one environment that is asked for becomes a stack, and the packaged Node says nothing."""
    ran = _run(cache, LLMCTL_ENVIRONMENT="environments/staging.yaml", LLMCTL_OUT=str(tmp_path))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert [path.name for path in (tmp_path / "stacks").iterdir()] == ["staging"]
    stack = json.loads((tmp_path / "stacks" / "staging" / "cdk.tf.json").read_text())
    source = stack["resource"]["aws_s3_object"]["artefacts_agent"]["source"]
    assert (tmp_path / "stacks" / "staging" / source).stat().st_size > 100_000


def test_all_environments_by_default(cache: Path, tmp_path: Path) -> None:
    """Without a choice every file is a stack of its own, where the cdktf CLI wants it."""
    ran = _run(cache, CDKTF_OUTDIR=str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    stacks = json.loads((tmp_path / "manifest.json").read_text())["stacks"]
    assert stacks.keys() == {path.stem for path in (ROOT / "environments").glob("*.yaml")}


def test_bad_file_is_said_in_words(cache: Path, tmp_path: Path) -> None:
    """What is wrong with a file is told as everywhere else, without a traceback."""
    (tmp_path / "bad.yaml").write_text("environment: bad\n")
    ran = _run(cache, LLMCTL_ENVIRONMENT=str(tmp_path / "bad.yaml"), LLMCTL_OUT=str(tmp_path / "out"))
    assert ran.returncode == 6
    assert "bad.yaml" in ran.stderr
    assert "Traceback" not in ran.stderr
