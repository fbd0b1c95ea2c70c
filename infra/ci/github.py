"""GitHub's REST API (https://docs.github.com/en/rest), in the words of the decisions."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from infra.ci.approval import Artifact, Pull, Review, Run
from infra.ci.comments import Comment
from infra.ci.jobs import GithubJob
from infra.ci.rest import Clock, Rest
from infra.errors import Refused

_VERSION = "2022-11-28"
_TALK = "pull-requests: write"
_ISSUES = "issues: write"
_PULLS = "pull-requests: read"
_RUNS = "actions: read"
_JOBS_OWN_AUTHOR = "github-actions[bot]"
"""Who comments with a job's own token; that token may not ask who it is."""
_RETARGETED = ("base_ref_changed", "automatic_base_change_succeeded")
"""By a person; by GitHub, when the base was merged and deleted."""
_WRITERS = ("admin", "write")
"""What `permission` says; maintainers count as write there, triagers as read."""
_LIMIT = 65_536
"""Characters of a comment or issue."""
_MOST = 64 * 1024 * 1024
"""Bytes of an artefact."""


class Github:
    """One repository, as a job's token sees it."""

    limit = _LIMIT

    def __init__(self, job: GithubJob, clock: Clock, *, author: str | None = None) -> None:
        """`author`: whose texts are ours; None: whoever the token says, else GitHub Actions."""
        self._named = author
        self.repository = job.repository
        self._repo = f"/repos/{job.repository}"
        secrets = {
            "Authorization": f"Bearer {job.token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": _VERSION,
        }
        self._rest = Rest(job.api, secrets, clock)

    def author(self) -> str:
        """The login that this token's comments have."""
        if self._named:
            return self._named
        try:
            return str(self._rest.get("/user", needs="read:user")["login"])
        except Refused:
            return _JOBS_OWN_AUTHOR

    def open_issues(self, label: str) -> Iterator[Comment]:
        """The open issues with that label (pull requests are issues too, and left out)."""
        path = f"{self._repo}/issues"
        for each in self._rest.pages(path, needs=_ISSUES, labels=label, state="open", direction="asc"):
            if "pull_request" not in each:
                yield _comment(each, "number")

    def open(self, title: str, body: str, label: str) -> None:
        """A new issue; the label is made when it is missing."""
        found = self._rest.get(f"{self._repo}/labels/{label}", needs=_ISSUES, absent=None)
        if found is None:
            made = {"name": label, "color": "d93f0b", "description": "The cloud differs from the file"}
            self._rest.send("POST", f"{self._repo}/labels", made, needs=_ISSUES)
        document = {"title": title, "body": body, "labels": [label]}
        self._rest.send("POST", f"{self._repo}/issues", document, needs=_ISSUES)

    def rewrite(self, issue: int, body: str) -> None:
        """Replace an issue's text."""
        self._rest.send("PATCH", f"{self._repo}/issues/{issue}", {"body": body}, needs=_ISSUES)

    def close(self, issue: int, why: str) -> None:
        """Say why, and close as completed."""
        self._rest.send("POST", f"{self._repo}/issues/{issue}/comments", {"body": why}, needs=_ISSUES)
        document = {"state": "closed", "state_reason": "completed"}
        self._rest.send("PATCH", f"{self._repo}/issues/{issue}", document, needs=_ISSUES)

    def pulls_of(self, commit: str) -> Iterator[Pull]:
        """The pull requests that brought a commit to the default branch."""
        for each in self._rest.pages(f"{self._repo}/commits/{commit}/pulls", needs=_PULLS):
            yield self.pull(each["number"])

    def pull(self, number: int) -> Pull:
        """A pull request."""
        document = self._rest.get(f"{self._repo}/pulls/{number}", needs=_PULLS)
        events = self._rest.pages(f"{self._repo}/issues/{number}/events", needs=_PULLS)
        moves = [_time(each["created_at"]) for each in events if each["event"] in _RETARGETED]
        return _pull(document, retargeted=max(moves, default=None))

    def pulls_from(self, branch: str) -> Iterator[Pull]:
        """Every pull request from a branch of this repository, closed ones too."""
        head = f"{self.repository.partition('/')[0]}:{branch}"
        for each in self._rest.pages(f"{self._repo}/pulls", needs=_PULLS, state="all", head=head):
            yield _pull(each, retargeted=None)

    def reviews(self, number: int) -> list[Review]:
        """What people said of a pull request, in their order; drafts that nobody sent are left out."""
        documents = self._rest.pages(f"{self._repo}/pulls/{number}/reviews", needs=_PULLS)
        return [_review(each) for each in documents if each.get("submitted_at") and each.get("user")]

    def may_write(self, login: str) -> bool:
        """Whether a person may push to the repository; an app is no person."""
        if login.endswith("[bot]"):
            return False
        path = f"{self._repo}/collaborators/{login}/permission"
        found = self._rest.get(path, needs="metadata: read", absent={})
        return found.get("permission") in _WRITERS

    def runs(self, workflow: str, commit: str) -> Iterator[Run]:
        """Runs of a workflow (its file's name) for pull requests with that head commit."""
        path = f"{self._repo}/actions/workflows/{workflow}/runs"
        wanted = {"event": "pull_request", "head_sha": commit, "status": "success"}
        for each in self._rest.pages(path, needs=_RUNS, key="workflow_runs", **wanted):
            yield _run(each)

    def artifacts(self, run: int, name: str) -> Iterator[Artifact]:
        """What a run left under a name."""
        path = f"{self._repo}/actions/runs/{run}/artifacts"
        for each in self._rest.pages(path, needs=_RUNS, key="artifacts", name=name):
            yield _artifact(each)

    def download(self, artifact: int) -> bytes:
        """An artefact's zip."""
        path = f"{self._repo}/actions/artifacts/{artifact}/zip"
        return self._rest.download(path, needs=_RUNS, most=_MOST)


class PullRequestThread:
    """The comments of one pull request; implements `Thread`."""

    limit = _LIMIT

    def __init__(self, github: Github, number: int) -> None:
        self._github = github
        self._rest = github._rest
        self._repo = github._repo
        self._number = number

    def author(self) -> str:
        """Who we are."""
        return self._github.author()

    def comments(self) -> Iterator[Comment]:
        """Those of the conversation, oldest first."""
        path = f"{self._repo}/issues/{self._number}/comments"
        for each in self._rest.pages(path, needs=_TALK):
            yield _comment(each, "id")

    def create(self, body: str) -> None:
        """Comment."""
        path = f"{self._repo}/issues/{self._number}/comments"
        self._rest.send("POST", path, {"body": body}, needs=_TALK)

    def update(self, comment: int, body: str) -> None:
        """Replace a comment's text."""
        self._rest.send("PATCH", f"{self._repo}/issues/comments/{comment}", {"body": body}, needs=_TALK)

    def delete(self, comment: int) -> None:
        """Take a comment away."""
        self._rest.send("DELETE", f"{self._repo}/issues/comments/{comment}", needs=_TALK)


def _comment(document: Any, key: str) -> Comment:
    author = (document.get("user") or {}).get("login", "")
    return Comment(id=document[key], author=author, body=document.get("body") or "")


def _pull(document: Any, *, retargeted: datetime | None) -> Pull:
    head, closed = document["head"], document["closed_at"]
    return Pull(
        number=document["number"],
        author=(document.get("user") or {}).get("login", ""),
        base=document["base"]["ref"],
        retargeted=retargeted,
        head=head["sha"],
        branch=head["ref"],
        repository=(head.get("repo") or {}).get("full_name", ""),
        opened=_time(document["created_at"]),
        closed=_time(closed) if closed else None,
        merged=document["merged_at"] is not None,
        merge_commit=document["merge_commit_sha"] or "",
    )


def _review(document: Any) -> Review:
    return Review(
        author=document["user"]["login"],
        state=document["state"],
        commit=document.get("commit_id") or "",
        at=_time(document["submitted_at"]),
    )


def _run(document: Any) -> Run:
    return Run(
        id=document["id"],
        # The path may carry a ref: .github/workflows/plan.yml@refs/heads/main.
        workflow=document["path"].partition("@")[0],
        event=document["event"],
        head=document["head_sha"],
        branch=document["head_branch"] or "",
        repository=(document.get("head_repository") or {}).get("full_name", ""),
        succeeded=document["conclusion"] == "success",
        began=_time(document["created_at"]),
    )


def _artifact(document: Any) -> Artifact:
    return Artifact(
        id=document["id"],
        run=(document.get("workflow_run") or {}).get("id", 0),
        name=document["name"],
        at=_time(document["created_at"]),
        expired=document["expired"],
        size=document["size_in_bytes"],
        digest=document.get("digest") or "",
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
