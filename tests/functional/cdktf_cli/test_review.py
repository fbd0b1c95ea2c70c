"""CDKTF's own command line on a checkout, for those who review with it."""

import json
import os
import re
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
from infra.terraform.directory import RunDirectory
from infra.terraform.find import find_executable
from infra.terraform.runner import Backend, Terraform
from tests.functional.terraform.stack import write_stack

CLI = "cdktf-cli@0.21.0"
SECONDS = 180
"""For a package of 40 MB, the first time."""
REPOSITORY = Path(__file__).parents[3]
ENVIRONMENT = "local"
ACCOUNT, REGION = "123456789012", "us-east-1"
BACKEND = Backend(names.state_bucket(ACCOUNT, REGION), names.state_key(ENVIRONMENT), REGION)
"""Where llmctl keeps the environment's state."""

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
    Session(REGION, keys).s3.create_bucket(Bucket=BACKEND.bucket)
    yield {**keys, "AWS_REGION": REGION, **provider.settings(mirror, os.environ, tmp_path)}
    server.stop()


@pytest.fixture
def deployed(cloud: dict[str, str], tmp_path: Path) -> str:
    """Address of a resource that a deploy by llmctl has put into the environment's state."""
    run = RunDirectory(ENVIRONMENT, root=tmp_path / "run")
    write_stack(run, prefix="before")
    file = REPOSITORY / "environments" / f"{ENVIRONMENT}.yaml"
    with Terraform(
        file, ENVIRONMENT, {**os.environ, **cloud}, lambda event: None, directory=run
    ) as terraform:
        terraform.init(BACKEND)
        terraform.apply(terraform.plan())
    return "aws_ssm_parameter.model_chat_parameter"


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
    checkout: Path, variables: dict[str, str], cloud: dict[str, str], deployed: str
) -> None:
    """Nothing has to be passed: the configuration names itself where llmctl keeps the account's state.

    A diff that looked elsewhere would find nothing deployed, and nothing to destroy.
    """
    told = _cdktf(checkout, {**variables, **cloud}, "diff", ENVIRONMENT, "--skip-provider-lock")
    fates = dict(re.findall(r"# (\S+) .*?\bwill be (\w+)", re.sub(r"\x1b\[[0-9;]*m", "", told)))
    assert fates["aws_lb.balancer_alb"] == "created"
    assert fates[deployed] == "destroyed"
