"""The agent's zip: the same bytes for the same inputs, small, and enough to run on."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra.agent.aws import SERVICES
from infra.agent.bundle import agent_bundle

ISOLATED = """
import sys
sys.path.insert(0, sys.argv[1])
from infra.agent import main
from infra.agent.aws import connect
clients = connect("eu-west-1")
import boto3
assert boto3.__file__.startswith(sys.argv[1]), boto3.__file__
import h11, prometheus_client.parser, pynvml
from infra.agent.telemetry import page
for library in (h11, prometheus_client, pynvml):
    assert library.__file__.startswith(sys.argv[1]), library.__file__
clients.s3.get_paginator("list_objects_v2")
clients.logs.exceptions.ResourceAlreadyExistsException
print(*sorted(vars(clients)))
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, built anew."""
    return agent_bundle(tmp_path_factory.mktemp("cache")).path


def test_two_builds_have_the_same_bytes(bundle: Path, tmp_path: Path) -> None:
    """The hash is part of a release: other bytes would roll out every instance for nothing."""
    again = agent_bundle(tmp_path)
    assert again.path.read_bytes() == bundle.read_bytes()
    assert again.path.name == bundle.name


def test_second_call_takes_the_cached_file(bundle: Path) -> None:
    """Synthesis asks for the bundle every time."""
    before = bundle.stat().st_mtime_ns
    assert agent_bundle(bundle.parent).path == bundle
    assert bundle.stat().st_mtime_ns == before


def test_bundle_is_small_and_has_only_the_agents_services(bundle: Path) -> None:
    """Botocore's models for all of AWS would be twenty times the rest."""
    with zipfile.ZipFile(bundle) as archive:
        names = archive.namelist()
    models = [name.split("/")[2:] for name in names if name.startswith("botocore/data/")]
    assert {parts[0] for parts in models if len(parts) > 1} == set(SERVICES)
    assert bundle.stat().st_size < 5_000_000
    assert "infra/agent/main.py" in names
    assert "infra/agent/telemetry/meter.py" in names
    assert "infra/agent/bundle.py" not in names
    for library in ("h11", "prometheus_client"):
        assert [name for name in names if name.startswith(library) and "LICENSE" in name]
    assert not [name for name in names if "__pycache__" in name or name.startswith("..")]


def test_bundle_runs_without_any_installed_package(bundle: Path, tmp_path: Path) -> None:
    """The instance has Python and nothing else of ours."""
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(bundle), str(tmp_path)], check=True)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", ISOLATED, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        "autoscaling",
        "cloudwatch",
        "dynamodb",
        "elbv2",
        "logs",
        "s3",
        "secretsmanager",
    ]


def test_building_loads_nothing_heavy() -> None:
    """Synthesis must not pay for boto3."""
    code = "import infra.agent.bundle, sys; assert not {'boto3', 'botocore'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
