"""`llmctl ci approved` against GitHub's REST interface: which plan may be applied, and which may not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.errors import ExitCode
from tests.fakes import pull_requests
from tests.fakes.code_hosts import CodeHost
from tests.fakes.pull_requests import ARTIFACT, HEAD, MERGE, REPO, artifact, at, pull, review, run, zipped

PLAN = b"what reviewers saw"


@pytest.fixture
def merged(github: CodeHost) -> CodeHost:
    """Pull request 7: planned at 9, approved by bob at 10, merged at 12."""
    pull_requests.merged(github, "staging", PLAN)
    return github


@pytest.fixture
def approved(llmctl: Callable[..., int], tmp_path: Path) -> Callable[..., int]:
    """Runs the command, into `plan`."""
    return lambda *more: llmctl("ci", "approved", "--env", "staging", "--out", tmp_path / "plan", *more)


def test_the_reviewed_plan(
    merged: CodeHost,
    approved: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A merge gets exactly the bytes that its pull request planned, only for us to read, and who approved."""
    assert approved("--json") == ExitCode.OK
    assert (tmp_path / "plan").read_bytes() == PLAN
    assert (tmp_path / "plan").stat().st_mode & 0o777 == 0o600
    told = json.loads(capsys.readouterr().out)["plan"]
    assert (told["pull"], told["run"], told["approved_by"]) == (7, 70, ["bob"])
    assert "approved by bob" in (tmp_path / "summary").read_text()


def test_the_token_stays_with_its_host(merged: CodeHost, approved: Callable[..., int]) -> None:
    """Artefacts are kept elsewhere, by an address of their own: our token has no business there."""
    assert approved() == ExitCode.OK
    [fetched] = merged.storage
    assert "authorization" not in fetched.headers


def _set(path: str, document: Any) -> Callable[[CodeHost], None]:
    return lambda host: host.documents.__setitem__(f"{REPO}{path}", document)


_FORK = {
    "sha": HEAD,
    "ref": "bigger",
    "label": "mallory:bigger",
    "repo": {"full_name": "mallory/llm"},
}
_RUNS = "/actions/workflows/plan.yml/runs"
_RIVAL = pull(8, created_at=at("08:30"), closed_at=at("08:55"), base={"ref": "evil"}, merged_at=None)

REFUSED = {
    "pushed without a pull request": (_set(f"/commits/{MERGE}/pulls", []), "no pull request"),
    "merged to another branch": (_set("/pulls/7", pull(base={"ref": "dev"})), "no pull request"),
    "not merged": (_set("/pulls/7", pull(merged_at=None)), "no pull request"),
    "another merge": (_set("/pulls/7", pull(merge_commit_sha="c" * 40)), "no pull request"),
    "from a fork": (_set("/pulls/7", pull(head=_FORK)), "forks are never applied"),
    "from a fork that is gone": (_set("/pulls/7", pull(head={**_FORK, "repo": None})), "forks are never"),
    "nobody approved": (_set("/pulls/7/reviews", []), "nobody with write access"),
    "approved by its author": (
        _set("/pulls/7/reviews", [review(user={"login": "ann"})]),
        "nobody with write",
    ),
    "approved without write access": (
        _set("/collaborators/bob/permission", {"permission": "read", "role_name": "triage"}),
        "nobody with write",
    ),
    "approved by an app": (
        _set("/pulls/7/reviews", [review(user={"login": "helper[bot]"})]),
        "nobody with write",
    ),
    "approved an earlier commit": (
        _set("/pulls/7/reviews", [review(commit_id="d" * 40)]),
        "nobody with write",
    ),
    "the approval was dismissed": (
        _set("/pulls/7/reviews", [review(), review(state="DISMISSED")]),
        "nobody with write",
    ),
    "planned after the approval": (
        _set("/actions/runs/70/artifacts", [artifact(created_at=at("10:01"))]),
        "from before its approval",
    ),
    "the plan failed": (_set(_RUNS, [run(conclusion="failure")]), "no successful run"),
    "another workflow": (_set(_RUNS, [run(path=".github/workflows/x.yml")]), "no successful run"),
    "not of a pull request": (_set(_RUNS, [run(event="workflow_dispatch")]), "no successful run"),
    "a run of a fork": (
        _set(_RUNS, [run(head_repository={"full_name": "mallory/llm"})]),
        "no successful run",
    ),
    "a run of another branch": (_set(_RUNS, [run(head_branch="evil")]), "no successful run"),
    "open in another pull request": (_set("/pulls", [pull(), _RIVAL]), "no successful run"),
    "planned against another base": (
        _set("/issues/7/events", [{"event": "base_ref_changed", "created_at": at("09:01")}]),
        "no successful run",
    ),
    "no plan of this environment": (_set("/actions/runs/70/artifacts", []), "has no plan-staging"),
    "expired": (_set("/actions/runs/70/artifacts", [artifact(expired=True)]), "has expired"),
    "another file than was kept": (
        _set("/actions/runs/70/artifacts", [artifact(digest="sha256:" + "0" * 64)]),
        "downloaded sha256",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(
    merged: CodeHost,
    approved: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    case: str,
) -> None:
    """Nothing is applied that reviewers of this merge did not see, and the reason is told."""
    spoil, why = REFUSED[case]
    spoil(merged)
    assert approved() == ExitCode.REFUSED
    assert why in capsys.readouterr().err
    assert not (tmp_path / "plan").exists()


@pytest.mark.parametrize("names", [["../staging.llmctl-plan"], ["staging.llmctl-plan", "x"], []])
def test_an_artefact_is_one_file(
    merged: CodeHost, approved: Callable[..., int], capsys: pytest.CaptureFixture[str], names: list[str]
) -> None:
    """Whatever else is in a zip is neither read nor written anywhere."""
    merged.documents[f"{REPO}/actions/runs/70/artifacts"] = [artifact()]
    merged.files[ARTIFACT] = zipped(**dict.fromkeys(names, PLAN))
    assert approved() == ExitCode.REFUSED
    assert "not just staging.llmctl-plan" in capsys.readouterr().err


def test_the_newest_that_was_there_at_the_approval(
    merged: CodeHost, approved: Callable[..., int], tmp_path: Path
) -> None:
    """A run after the approval doesn't replace what was approved; one before it does."""
    newest = zipped(**{"staging.llmctl-plan": b"newest"})
    runs = [run(number, created_at=at(f"09:{number - 60}")) for number in (70, 71, 100)]
    merged.documents[f"{REPO}{_RUNS}"] = runs
    for number, time in ((71, "09:20"), (100, "10:30")):
        left = artifact(id=number, created_at=at(time), workflow_run={"id": number})
        merged.documents[f"{REPO}/actions/runs/{number}/artifacts"] = [left]
    merged.files[f"{REPO}/actions/artifacts/71/zip"] = newest
    assert approved() == ExitCode.OK
    assert (tmp_path / "plan").read_bytes() == b"newest"


def test_without_an_approval_only_when_told(
    merged: CodeHost, approved: Callable[..., int], tmp_path: Path
) -> None:
    """Teams of one can leave the review to the deployment's own approval; forks stay out all the same."""
    merged.documents[f"{REPO}/pulls/7/reviews"] = []
    assert approved("--unreviewed") == ExitCode.OK
    assert (tmp_path / "plan").read_bytes() == PLAN
    merged.documents[f"{REPO}/pulls/7"] = pull(head=_FORK)
    assert approved("--unreviewed") == ExitCode.REFUSED


def test_an_earlier_pull_request_from_the_branch(merged: CodeHost, approved: Callable[..., int]) -> None:
    """A branch name that is used again and again is no obstacle, as long as one is closed before the next."""
    merged.documents[f"{REPO}/pulls"] += [pull(6, created_at=at("06:00"), closed_at=at("07:00"))]
    assert approved() == ExitCode.OK
