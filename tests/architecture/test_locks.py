"""The lock files: what `make setup` installs is what pyproject.toml asks for, on any package index."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_LOCKS = {
    "requirements.lock": ("embedded",),
    "requirements-dev.lock": ("embedded", "dev"),
    "requirements-terraform.lock": ("terraform",),
}


def _pins(lock: Path) -> dict[str, str]:
    pairs = re.findall(r"^([\w.-]+)==([\w.+!]+)", lock.read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pairs}


def _satisfied(wanted: Requirement, pins: dict[str, str]) -> bool:
    pinned = pins.get(canonicalize_name(wanted.name))
    return pinned is not None and pinned in wanted.specifier


@pytest.mark.parametrize(("lock", "extras"), _LOCKS.items())
def test_lock_satisfies_pyproject(repository: Path, lock: str, extras: tuple[str, ...]) -> None:
    """A dependency added to pyproject.toml without `make lock` would be missing on every other machine."""
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"]]
    for extra in extras:
        asked += project["optional-dependencies"][extra]
    pins = _pins(repository / lock)
    wrong = [text for text in asked if not _satisfied(Requirement(text), pins)]
    assert wrong == [], "run `make lock`"


def test_locks_agree(repository: Path) -> None:
    """The developers' tools must not change a version that users get."""
    runtime = _pins(repository / "requirements.lock")
    for other in ("requirements-dev.lock", "requirements-terraform.lock"):
        pins = _pins(repository / other)
        assert {name: pins[name] for name in runtime.keys() & pins.keys()} == {
            name: runtime[name] for name in runtime.keys() & pins.keys()
        }


@pytest.mark.parametrize("lock", [*_LOCKS, "requirements-checkov.lock"])
def test_locks_name_no_index(repository: Path, lock: str) -> None:
    """Packages come from wherever the user's pip is configured to look; hashes make that safe."""
    text = (repository / lock).read_text()
    assert "://" not in text
    assert len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)) == len(_pins(repository / lock))
    assert "--hash=sha256:" in text
