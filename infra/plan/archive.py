"""A plan as one file: reviewed here, applied there, and nothing but it.

In it: Terraform's plan, the configuration and the files that it refers to, the environment file, the plan's
report with its prices, and a manifest with the versions and a SHA-256 of each. There is no secret in it,
because there is none in the state. The digests show damage and mix-ups; that nobody exchanged the whole file
is for whoever keeps it to see to: its `id` is printed where it is made and where it is applied.
"""

import hashlib
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from infra.errors import ExitCode, LlmctlError, Refused
from infra.plan.report import PlanReport

_FORMAT = 1
_MANIFEST = "manifest.json"
_PLAN = "plan.tfplan"
_FILE = "environment.yaml"
_REPORT = "report.json"
_STACK = "stack/"
_CONFIGURATION = "cdk.tf.json"
_PROVIDER_LOCK = ".terraform.lock.hcl"
_ASSETS = "assets"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_ID_LENGTH = 12


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """What must be the same where a plan is made and where it is applied."""

    llmctl: str
    terraform: str
    provider: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive says of itself."""

    format: Annotated[int, msgspec.Meta(ge=1)]
    environment: str
    created: datetime
    versions: Versions
    has_changes: bool
    sha256: dict[str, str]
    """Of each file in the archive, in hexadecimal."""


@dataclass(frozen=True)
class Archive:
    """A plan that was read from its file."""

    path: Path
    manifest: Manifest
    files: Mapping[str, bytes]

    @property
    def id(self) -> str:
        """Short name of exactly this plan: the beginning of a digest over all of it."""
        return _id(self.manifest)

    def extract(self, stack: Path, plan: Path) -> None:
        """Put the configuration into the folder `stack`, and Terraform's plan at `plan`."""
        for name, content in self.files.items():
            if name.startswith(_STACK):
                target = stack / name.removeprefix(_STACK)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        _write_private(plan, self.files[_PLAN])


def write(
    path: Path,
    *,
    plan: Path,
    stack: Path,
    file: Path,
    report: PlanReport,
    versions: Versions,
    now: datetime,
) -> str:
    """Write an archive, readable for its owner only; returns its id.

    `plan`: Terraform's, `stack`: the folder that it was made in, `file`: the environment file.
    """
    files = {
        _FILE: file.read_bytes(),
        _REPORT: msgspec.json.encode(report, enc_hook=str),
        _PLAN: plan.read_bytes(),
        **{_STACK + each.relative_to(stack).as_posix(): each.read_bytes() for each in _stack_files(stack)},
    }
    digests = {each: hashlib.sha256(content).hexdigest() for each, content in files.items()}
    manifest = Manifest(
        format=_FORMAT,
        environment=report.environment,
        created=now,
        versions=versions,
        has_changes=report.has_changes,
        sha256=digests,
    )
    with open(_private(path), "wb") as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, content in {_MANIFEST: msgspec.json.encode(manifest), **files}.items():
            archive.writestr(zipfile.ZipInfo(each, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return _id(manifest)


def read(path: Path) -> Archive:
    """Read an archive; raises `Refused` for what isn't one, is damaged, or is of another format."""
    try:
        with zipfile.ZipFile(path) as archive:
            contents = {each: archive.read(each) for each in archive.namelist()}
        manifest = msgspec.json.decode(contents.pop(_MANIFEST), type=Manifest)
    except OSError as error:
        raise Refused(
            f"{path}: {error.strerror or error}", hint="`llmctl plan --out FILE` writes one"
        ) from None
    except (zipfile.BadZipFile, KeyError, msgspec.DecodeError):
        raise Refused(f"{path} is not a plan of llmctl", hint="`llmctl plan --out FILE` writes one") from None
    if manifest.format != _FORMAT:
        raise Refused(f"{path} is of format {manifest.format}; this llmctl reads format {_FORMAT}")
    found = {each: hashlib.sha256(content).hexdigest() for each, content in contents.items()}
    if (
        found != manifest.sha256
        or not {_PLAN, _FILE, _REPORT} <= found.keys()
        or not all(map(_is_tame, found))
    ):
        raise Refused(
            f"{path} is damaged: its contents are not what its manifest says", hint="fetch it again"
        )
    return Archive(path, manifest, contents)


def refuse_if_moved(archive: Archive, *, name: str, file: Path, versions: Versions) -> None:
    """Raise `LlmctlError` (exit code 3) unless the plan is for this environment, as its file is now."""
    manifest = archive.manifest
    if manifest.environment != name:
        raise Refused(f"{archive.path} is a plan of {manifest.environment}, not of {name}")
    if archive.files[_FILE] != file.read_bytes():
        raise _moved(archive, f"{file} is not the file that was planned")
    for part in Versions.__struct_fields__:
        planned, here = getattr(manifest.versions, part), getattr(versions, part)
        if planned != here:
            raise _moved(archive, f"it was made with {part} {planned}, and this is {part} {here}")


def _moved(archive: Archive, why: str) -> LlmctlError:
    return LlmctlError(
        f"{archive.path}: nothing was applied: {why}",
        hint="plan anew, and have that reviewed",
        code=ExitCode.CONFLICT,
    )


def _stack_files(stack: Path) -> Iterator[Path]:
    """The configuration, its provider lock, and the assets that it names: older ones may lie beside them."""
    configuration = stack / _CONFIGURATION
    named = configuration.read_text()
    yield configuration
    if (lock := stack / _PROVIDER_LOCK).is_file():
        yield lock
    for each in sorted((stack / _ASSETS).rglob("*")):
        if each.is_file() and each.relative_to(stack).as_posix() in named:
            yield each


def _is_tame(name: str) -> bool:
    """Whether a name stays below the folder that it is extracted to."""
    return not name.startswith("/") and ".." not in name.split("/") and "\\" not in name


def _id(manifest: Manifest) -> str:
    listed = "".join(f"{digest}  {name}\n" for name, digest in sorted(manifest.sha256.items()))
    return hashlib.sha256(listed.encode()).hexdigest()[:_ID_LENGTH]


def _private(path: Path) -> int:
    path.unlink(missing_ok=True)
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)


def _write_private(path: Path, content: bytes) -> None:
    with open(_private(path), "wb") as out:
        out.write(content)
