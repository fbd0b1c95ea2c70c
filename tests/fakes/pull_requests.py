"""What GitHub tells of a pull request that was planned, approved and merged, all on one day."""

import hashlib
import io
import zipfile
from typing import Any

from tests.fakes.code_hosts import REPOSITORY, CodeHost

REPO = f"/repos/{REPOSITORY}"
HEAD = "a" * 40
MERGE = "b" * 40
BRANCH = "bigger"
NUMBER = 7
RUN = 70
ARTIFACT = f"{REPO}/actions/artifacts/500/zip"


def at(time: str) -> str:
    """That day, at that time."""
    return f"2026-11-20T{time}:00Z"


def zipped(**files: bytes) -> bytes:
    """An artefact of these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def pull(number: int = NUMBER, commit: str = HEAD, **other: Any) -> dict[str, Any]:
    """Merged at 12."""
    label = f"octo-org:{BRANCH}"
    return {
        "number": number,
        "user": {"login": "ann"},
        "base": {"ref": "main"},
        "head": {"sha": commit, "ref": BRANCH, "label": label, "repo": {"full_name": REPOSITORY}},
        "created_at": at("08:00"),
        "closed_at": at("12:00"),
        "merged_at": at("12:00"),
        "merge_commit_sha": MERGE,
        **other,
    }


def run(number: int = RUN, **other: Any) -> dict[str, Any]:
    """Of the workflow that plans, at 9."""
    return {
        "id": number,
        "path": ".github/workflows/plan.yml",
        "event": "pull_request",
        "head_sha": HEAD,
        "head_branch": BRANCH,
        "head_repository": {"full_name": REPOSITORY},
        "conclusion": "success",
        "created_at": at("09:00"),
        **other,
    }


def artifact(**other: Any) -> dict[str, Any]:
    """What that run left, at five past."""
    return {
        "id": 500,
        "name": "plan-staging",
        "size_in_bytes": 100,
        "expired": False,
        "created_at": at("09:05"),
        "workflow_run": {"id": RUN, "head_sha": HEAD},
        **other,
    }


def review(**other: Any) -> dict[str, Any]:
    """An approval, at 10."""
    return {
        "user": {"login": "bob"},
        "state": "APPROVED",
        "commit_id": HEAD,
        "submitted_at": at("10:00"),
        **other,
    }


def merged(host: CodeHost, name: str, archive: bytes, *, head: str = HEAD, merge: str = MERGE) -> None:
    """Let the host tell of pull request 7 whose plan of an environment bob approved."""
    packed = zipped(**{f"{name}.llmctl-plan": archive})
    digest = f"sha256:{hashlib.sha256(packed).hexdigest()}"
    one = pull(commit=head, merge_commit_sha=merge)
    left = artifact(name=f"plan-{name}", digest=digest, workflow_run={"id": RUN, "head_sha": head})
    host.files[ARTIFACT] = packed
    host.documents |= {
        f"{REPO}/commits/{merge}/pulls": [{"number": NUMBER}],
        f"{REPO}/pulls/{NUMBER}": one,
        f"{REPO}/issues/{NUMBER}/events": [{"event": "labeled", "created_at": at("11:00")}],
        f"{REPO}/pulls": [one],
        f"{REPO}/pulls/{NUMBER}/reviews": [review(commit_id=head)],
        f"{REPO}/collaborators/bob/permission": {"permission": "write", "role_name": "maintain"},
        f"{REPO}/collaborators/ann/permission": {"permission": "write", "role_name": "write"},
        f"{REPO}/actions/workflows/plan.yml/runs": [run(head_sha=head)],
        f"{REPO}/actions/runs/{RUN}/artifacts": [left, artifact(id=501, name="plan-prod")],
    }
