"""CDKTF's own command line on a checkout, for those who review with it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from infra.aws.session import Session
from infra.embedded import aws
from infra.embedded.aws.server import Server
from infra.environment import names
from infra.errors import Refused
from infra.terraform import provider
from infra.terraform.find import find_executable

CLI = "cdktf-cli@0.21.0"
SECONDS = 180
"""For a package of 40 MB, the first time."""
REPOSITORY = Path(__file__).parents[3]
ENVIRONMENT = "local"
ACCOUNT, REGION = "123456789012", "us-east-1"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("cdktf-cli")]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the CLI reads of a checkout, where it may write."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copy(REPOSITORY / "cdktf.json", folder)
    (folder / "environments").mkdir()
    shutil.copy(REPOSITORY / "environments" / f"{ENVIRONMENT}.yaml", folder / "environments")
    return folder


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    """As in a shell with the virtual environment first on the PATH; skips where npm reaches no registry."""
    found = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CHECKPOINT_DISABLE": "1",
        "CI": "1",
        "npm_config_fetch_retries": "0",
    }
    if shutil.which("npx") is None:
        pytest.skip("npx is not on the PATH")
    try:
        subprocess.run(
            ["npx", "--yes", CLI, "--version"], env=found, check=True, capture_output=True, timeout=SECONDS
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip(f"npx can't get {CLI}: no npm registry in reach")
    return found


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Variables that point Terraform at an emulated account with a state bucket, and at the AWS provider."""
    try:
        find_executable(os.environ)
    except Refused as error:
        pytest.skip(error.message)
    mirror = provider.find_mirror(os.environ)
    if mirror is None:
        pytest.skip("the AWS provider is in no mirror on this machine")
    server = Server()
    aws.reset()
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": server.url}
    Session(REGION, keys).s3.create_bucket(Bucket=names.state_bucket(ACCOUNT, REGION))
    yield {**keys, "AWS_REGION": REGION, **provider.settings(mirror, os.environ, tmp_path)}
    server.stop()


def _cdktf(folder: Path, variables: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        ["npx", "--yes", CLI, *arguments],
        cwd=folder,
        env=dict(variables),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def test_synth_writes_what_llmctl_writes(checkout: Path, variables: dict[str, str], tmp_path: Path) -> None:
    """Byte by byte: who reviews with one of them reviews what the other deploys."""
    assert "Generated Terraform code" in _cdktf(checkout, variables, "synth")
    ours = tmp_path / "out"
    subprocess.run(
        ["llmctl", "synth", "--env", ENVIRONMENT, "--out", str(ours)], cwd=checkout, env=variables, check=True
    )
    stack = Path("stacks") / ENVIRONMENT / "cdk.tf.json"
    assert (checkout / "cdktf.out" / stack).read_bytes() == (ours / stack).read_bytes()
    assert json.loads((checkout / "cdktf.out" / "manifest.json").read_text())["stacks"].keys() == {
        ENVIRONMENT
    }


@pytest.mark.terraform
def test_diff_plans_against_the_state(
    checkout: Path, variables: dict[str, str], cloud: dict[str, str]
) -> None:
    """The configuration names the bucket of its account's state itself, so nothing has to be passed."""
    told = _cdktf(checkout, {**variables, **cloud}, "diff", ENVIRONMENT, "--skip-provider-lock")
    assert "aws_lb.balancer_alb" in told
    assert "to add, 0 to change, 0 to destroy" in told
