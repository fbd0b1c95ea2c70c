"""Builds the zip that instances download: the agent, boto3 and what boto3 needs. Runs where the stacks run.

The same sources and versions give the same bytes, because the zip's hash is part of a release. The
libraries are those installed here; of botocore's models only the agent's services are taken. Building must
stay cheap, so nothing of boto3 is imported and the zip is kept in a cache, by its inputs.
"""

import hashlib
import importlib.metadata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.agent.aws import SERVICES
from infra.bundles.archive import write_archive

DISTRIBUTIONS = (
    *("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"),
    *("h11", "nvidia-ml-py", "prometheus-client"),
)
_COMMON_MODELS = ("_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json")
_MODEL_FILES = ("service-2.", "endpoint-rule-set-1.", "paginators-1.")
_LEFT_OUT = (
    "example.py",
    *(f"prometheus_client/{part}/" for part in ("aiohttp", "bridge", "django", "twisted")),
)
"""Parts of the libraries that an agent never imports."""
_MAIN = b"""import sys

from infra.agent.main import main

sys.exit(main())
"""
_FORMAT = 1
"""To be raised when this module makes other bytes of the same inputs."""


@dataclass(frozen=True)
class Bundle:
    """The zip and its hash, in hexadecimal."""

    path: Path
    sha256: str


def agent_bundle(cache: Path) -> Bundle:
    """The agent's zip in `cache`, built if it isn't there yet.

    Raises importlib.metadata.PackageNotFoundError when a library isn't installed.
    """
    own = dict(_own_files())
    path = cache / f"agent-{_key(own)}.zip"
    if not path.is_file():
        _write(path, own)
    return Bundle(path, hashlib.sha256(path.read_bytes()).hexdigest())


def _key(own: dict[str, bytes]) -> str:
    digest = hashlib.sha256(f"{_FORMAT} {SERVICES}".encode())
    for name, content in sorted(own.items()):
        digest.update(f"{name} {len(content)}\n".encode() + content)
    for name in DISTRIBUTIONS:
        digest.update(f"{name} {importlib.metadata.version(name)}\n".encode())
    return digest.hexdigest()[:16]


def _write(path: Path, own: dict[str, bytes]) -> None:
    files = dict(own)
    for distribution in DISTRIBUTIONS:
        files |= {name: file.read_bytes() for name, file in _library_files(distribution)}
    write_archive(path, files)


def _own_files() -> Iterator[tuple[str, bytes]]:
    yield "__main__.py", _MAIN
    yield "infra/__init__.py", b""
    folder = Path(__file__).parent
    for source in folder.rglob("*.py"):
        if source != Path(__file__):
            yield f"infra/agent/{source.relative_to(folder).as_posix()}", source.read_bytes()


def _library_files(distribution: str) -> Iterator[tuple[str, Path]]:
    found = importlib.metadata.distribution(distribution)
    for entry in found.files or ():
        name = entry.as_posix()
        if _wanted(name):
            yield name, Path(str(found.locate_file(entry)))


def _wanted(name: str) -> bool:
    """Whether an installed file belongs into the bundle; licences do, since we pass the libraries on."""
    parts = name.split("/")
    if parts[0] == ".." or "__pycache__" in parts or name.startswith(_LEFT_OUT):
        return False
    if parts[0].endswith(".dist-info"):
        return any(part.upper().startswith(("LICENSE", "NOTICE")) for part in parts[1:])
    if parts[:2] == ["botocore", "data"]:
        return _wanted_model(parts[2:])
    if parts[0] == "boto3":
        return name.endswith(".py")  # its resources and examples are never used
    return not parts[-1].endswith((".pyi", ".typed"))


def _wanted_model(parts: list[str]) -> bool:
    if len(parts) == 1:
        return parts[0] in _COMMON_MODELS
    return parts[0] in SERVICES and parts[-1].startswith(_MODEL_FILES)
