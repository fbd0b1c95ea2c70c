"""Finds the plan archive that reviewers saw, fetches it, and takes the one file out of it."""

import hashlib
import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from infra.ci.approval import (
    Approved,
    Artifact,
    Pull,
    Review,
    Run,
    approvals,
    merged_pull,
    reviewed_plan,
    trusted_runs,
)
from infra.errors import LlmctlError, Refused

_MOST = 64 * 1024 * 1024
"""Bytes of an unpacked archive."""


class Host(Protocol):
    """What a code host knows of reviews and runs."""

    repository: str

    def pulls_of(self, commit: str) -> Iterable[Pull]:
        """Those that brought a commit to the deployed branch."""

    def pulls_from(self, branch: str) -> Iterable[Pull]:
        """Every one from a branch of this repository."""

    def reviews(self, number: int) -> Iterable[Review]:
        """What people said of one."""

    def may_write(self, login: str) -> bool:
        """Whether somebody may push."""

    def runs(self, workflow: str, commit: str) -> Iterable[Run]:
        """Runs of a workflow's file for a head commit."""

    def artifacts(self, run: int, name: str) -> Iterable[Artifact]:
        """What a run left under a name."""

    def download(self, artifact: int) -> bytes:
        """An artefact's zip."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be deployed."""

    environment: str
    commit: str
    """On the deployed branch."""
    branch: str
    workflow: str = "plan.yml"
    unreviewed: bool = False

    @property
    def artifact(self) -> str:
        """The name under which plan.yml leaves the archive."""
        return f"plan-{self.environment}"

    @property
    def file(self) -> str:
        """The archive's name in the artefact."""
        return f"{self.environment}.llmctl-plan"


def find(host: Host, wanted: Wanted) -> Approved:
    """The plan that may be applied; raises `Refused` when none may."""
    pull = merged_pull(
        host.pulls_of(wanted.commit), commit=wanted.commit, branch=wanted.branch, repository=host.repository
    )
    runs = trusted_runs(
        pull,
        host.runs(wanted.workflow, pull.head),
        host.pulls_from(pull.branch),
        workflow=f".github/workflows/{wanted.workflow}",
        repository=host.repository,
    )
    if not runs:
        raise Refused(
            f"{wanted.workflow} has no successful run for {pull.head[:10]}, the last commit of "
            f"#{pull.number}, that can be told from runs of other pull requests",
            hint="deploy it by a new pull request, from a branch of its own",
        )
    reviews = tuple(host.reviews(pull.number))
    writers = [author for author in sorted({each.author for each in reviews}) if host.may_write(author)]
    artifacts = [each for run in runs for each in host.artifacts(run.id, wanted.artifact)]
    given = approvals(pull, reviews, writers)
    return reviewed_plan(pull, runs, artifacts, given, name=wanted.artifact, unreviewed=wanted.unreviewed)


def fetch(host: Host, approved: Approved, wanted: Wanted) -> bytes:
    """The plan archive itself; raises `Refused` when it isn't what the host says it is."""
    packed = host.download(approved.artifact.id)
    digest = f"sha256:{hashlib.sha256(packed).hexdigest()}"
    if approved.artifact.digest not in ("", digest):
        raise Refused(f"{approved.artifact.name}: downloaded {digest}, but it is {approved.artifact.digest}")
    try:
        return _only_file(packed, wanted.file)
    except zipfile.BadZipFile as error:
        raise LlmctlError(f"{approved.artifact.name} is no zip: {error}") from error


def _only_file(packed: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = archive.namelist()
        if names != [name]:
            raise Refused(f"the artefact holds {', '.join(names) or 'nothing'}, and not just {name}")
        with archive.open(name) as file:
            content = file.read(_MOST + 1)
    if len(content) > _MOST:
        raise Refused(f"{name} is larger than {_MOST} bytes")
    return content
