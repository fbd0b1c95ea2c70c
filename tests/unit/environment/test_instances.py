"""The catalogue of instance types against EC2's own description of them."""

import gzip
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from infra.environment.instances import catalogue, gpus

NOT_DESCRIBED = {"p3.2xlarge", "p3.8xlarge", "p3.16xlarge"}  # no longer in the copy that moto carries


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """`DescribeInstanceTypes` as moto bundles it, read without starting moto."""
    spec = importlib.util.find_spec("moto")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "ec2" / "resources" / "instance_types.json.gz"
    with gzip.open(path) as file:
        types: dict[str, Any] = json.load(file)
    return types


def test_every_type_is_as_ec2_describes_it(described: dict[str, Any]) -> None:
    """GPUs, their memory, processors and memory are EC2's numbers."""
    for name, known in catalogue().items():
        if name in NOT_DESCRIBED:
            continue
        real = described[name]
        assert known.vcpus == real["VCpuInfo"]["DefaultVCpus"], name
        assert known.memory_gib == real["MemoryInfo"]["SizeInMiB"] / 1024, name
        gpu = (real.get("GpuInfo") or {"Gpus": [None]})["Gpus"][0]
        if gpu is None:
            assert known.gpu is None, name
        else:
            assert known.gpu is not None, name
            found = (known.gpu.name, known.gpu.count, known.gpu.memory_mib)
            assert found == (gpu["Name"], gpu["Count"], gpu["MemoryInfo"]["SizeInMiB"]), name


def test_no_nvidia_type_is_missing(described: dict[str, Any]) -> None:
    """Every x86 type with whole NVIDIA GPUs can be used."""
    offered = {
        name
        for name, each in described.items()
        if "x86_64" in each["ProcessorInfo"]["SupportedArchitectures"]
        for gpu in (each.get("GpuInfo") or {"Gpus": []})["Gpus"]
        if gpu["Manufacturer"] == "NVIDIA" and gpu["Count"] >= 1
    }
    assert offered - set(catalogue()) == set()


def test_gpus_of_types() -> None:
    """The number that every listed type has."""
    assert gpus(("g5.12xlarge", "g6.12xlarge")) == 4
    assert gpus(("c7i.large",)) == 0
    assert gpus(("unknown.large",)) == 0


def test_cuda_has_rather_less_than_ec2_tells() -> None:
    """Never more, and never much less: a mistyped number would refuse what fits."""
    offered = {each.gpu for each in catalogue().values() if each.gpu}
    shares = {each.name: each.usable_gib / (each.memory_mib / 1024) for each in offered}
    assert all(0.9 < share <= 1 for share in shares.values()), shares
    assert shares["T4"] == pytest.approx(14.58 / 16)
