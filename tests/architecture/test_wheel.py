"""The wheel: four top-level packages with very general names, so exactly those and no fifth."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

_PACKAGES = {"cli", "infra", "modules", "stacks"}
_BUILD_FILES = ("pyproject.toml", "README.md", "LICENSE", "NOTICE")


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the files in a wheel, built from a copy with the tools of this environment."""
    copy = tmp_path_factory.mktemp("wheel")
    for name in _BUILD_FILES:
        shutil.copy(repository / name, copy)
    for name in sorted([*_PACKAGES, "tests"]):
        shutil.copytree(repository / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "."],
        cwd=copy,
        check=True,
        capture_output=True,
    )
    [built] = (copy / "dist").glob("*.whl")
    return set(zipfile.ZipFile(built).namelist())


@pytest.mark.slow
def test_top_level_names(wheel: set[str]) -> None:
    """A stray folder must not become an importable package on a user's machine."""
    top = {name.partition("/")[0] for name in wheel}
    assert {name for name in top if not name.endswith(".dist-info")} == _PACKAGES


@pytest.mark.slow
def test_every_source_and_data_file_is_in_the_wheel(wheel: set[str], repository: Path) -> None:
    """What runs from a checkout must run from the wheel, tables and type marker included."""
    tracked = subprocess.run(
        ["git", "ls-files", "--", *sorted(_PACKAGES)],
        cwd=repository,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert set(tracked) - wheel == set()
