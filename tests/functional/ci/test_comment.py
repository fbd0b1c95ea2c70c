"""`llmctl ci comment` against GitHub's and GitLab's REST interfaces."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.errors import ExitCode
from tests.fakes.code_hosts import BOT, REPOSITORY, TOKEN, CodeHost

COMMENTS = f"/repos/{REPOSITORY}/issues/7/comments"
MARK = "<!-- llmctl:plan:staging -->"


def _comment(number: int, author: str, body: str) -> dict[str, Any]:
    return {"id": number, "user": {"login": author, "type": "User"}, "body": body}


def test_first_comment(github: CodeHost, llmctl: Callable[..., int], body: Callable[[str], str]) -> None:
    """A pull request without our comment gets one, signed with the commit that people see and the run."""
    github.documents[COMMENTS] = [_comment(1, "ann", "hello")]
    assert llmctl("ci", "comment", "--env", "staging", "--body", body("1 to add")) == ExitCode.OK
    [_, ours] = github.documents[COMMENTS]
    assert ours["body"].startswith(f"{MARK}\n1 to add\n")
    assert "aaaaaaaaaa" in ours["body"]
    assert "before this plan" in ours["body"]
    assert f"https://github.com/{REPOSITORY}/actions/runs/42" in ours["body"]
    assert {each.headers["authorization"] for each in github.asked} == {f"Bearer {TOKEN}"}


def test_second_comment_is_the_first(
    github: CodeHost, llmctl: Callable[..., int], body: Callable[[str], str]
) -> None:
    """New commits change the comment in place, also when it is on the second page of a long discussion."""
    github.most = 2
    github.documents[COMMENTS] = [_comment(n, "ann", "talk") for n in range(1, 4)]
    github.documents[COMMENTS] += [_comment(9, BOT, f"{MARK}\nold")]
    assert llmctl("ci", "comment", "--env", "staging", "--body", body("new")) == ExitCode.OK
    assert github.wrote() == [("PATCH", f"/repos/{REPOSITORY}/issues/comments/9")]
    assert "new" in github.documents[COMMENTS][3]["body"]
    assert llmctl("ci", "comment", "--env", "staging", "--body", body("new")) == ExitCode.OK
    assert len(github.wrote()) == 1


def test_duplicates_of_jobs_that_raced_go(
    github: CodeHost, llmctl: Callable[..., int], body: Callable[[str], str]
) -> None:
    """Two jobs may have commented at once: one comment stays."""
    github.documents[COMMENTS] = [_comment(n, BOT, f"{MARK}\nold") for n in (3, 4)]
    assert llmctl("ci", "comment", "--env", "staging", "--body", body("new")) == ExitCode.OK
    assert [each["id"] for each in github.documents[COMMENTS]] == [3]


@pytest.mark.parametrize(
    ("author", "text"),
    [("mallory", f"{MARK}\nmine"), (BOT, f"> {MARK}\nquoted"), (BOT, "<!-- llmctl:plan:prod -->\nother")],
)
def test_only_our_own_is_touched(
    github: CodeHost, llmctl: Callable[..., int], body: Callable[[str], str], author: str, text: str
) -> None:
    """Somebody else's comment with our mark, a quote of it, or another environment's is left alone."""
    github.documents[COMMENTS] = [_comment(1, author, text)]
    assert llmctl("ci", "comment", "--env", "staging", "--body", body("new")) == ExitCode.OK
    assert github.wrote() == [("POST", COMMENTS)]
    assert github.documents[COMMENTS][0]["body"] == text


def test_too_long_for_a_comment(
    github: CodeHost, llmctl: Callable[..., int], body: Callable[[str], str]
) -> None:
    """GitHub refuses more than 65,536 characters: a long plan is cut, and its Markdown stays whole."""
    github.documents[COMMENTS] = []
    long = "Summary\n\n```\n" + "+ resource\n" * 10_000 + "```\n"
    assert llmctl("ci", "comment", "--env", "staging", "--body", body(long)) == ExitCode.OK
    text = github.documents[COMMENTS][0]["body"]
    assert 65_000 < len(text) <= 65_536
    assert "Cut off here" in text
    assert text.count("```") == 2
    assert text.count("<details>") == text.count("</details>") == 1
    assert text.index("Summary") < text.index("<details>")


def test_missing_permission(
    github: CodeHost,
    llmctl: Callable[..., int],
    body: Callable[[str], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Who forgot a permission in the workflow is told its name."""
    github.failures = [(403, {}, {"message": "Resource not accessible by integration"})] * 2
    assert llmctl("ci", "comment", "--env", "staging", "--body", body("x")) == ExitCode.REFUSED
    told = capsys.readouterr().err
    assert "Resource not accessible by integration" in told
    assert "pull-requests: write" in told


def test_limits_and_failures_are_waited_for(
    github: CodeHost, llmctl: Callable[..., int], body: Callable[[str], str]
) -> None:
    """A secondary limit or a passing failure must not fail a job that can wait."""
    github.documents[COMMENTS] = []
    github.failures = [
        (429, {"Retry-After": "1"}, {"message": "You have exceeded a secondary rate limit"}),
        (502, {}, b"<html>"),
    ]
    assert llmctl("ci", "comment", "--env", "staging", "--body", body("x")) == ExitCode.OK
    assert len(github.documents[COMMENTS]) == 1


def test_no_pull_request(
    github: CodeHost,
    llmctl: Callable[..., int],
    body: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A job of a push has no pull request to comment on, and says so before it asks anybody."""
    monkeypatch.delenv("GITHUB_EVENT_PATH")
    assert llmctl("ci", "comment", "--env", "staging", "--body", body("x")) == ExitCode.REFUSED
    assert github.asked == []


def test_gitlab(
    host: CodeHost,
    llmctl: Callable[..., int],
    body: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On GitLab the same command keeps one note on the merge request, with GitLab's token header."""
    host.login, host.may_ask_who = "project_9_bot_1", True
    told = {"GITLAB_CI": "true", "CI_API_V4_URL": host.address, "CI_PROJECT_ID": "9", "GITLAB_TOKEN": TOKEN}
    for name, value in {**told, "CI_MERGE_REQUEST_IID": "3"}.items():
        monkeypatch.setenv(name, value)
    notes = "/projects/9/merge_requests/3/notes"
    host.documents[notes] = [{"id": 1, "author": {"username": "ann"}, "body": "approved", "system": True}]
    for text in ("first", "second"):
        assert llmctl("ci", "comment", "--env", "staging", "--body", body(text)) == ExitCode.OK
    assert [(method, path.rpartition("/")[2]) for method, path in host.wrote()] == [
        ("POST", "notes"),
        ("PUT", "1001"),
    ]
    assert "second" in host.documents[notes][1]["body"]
    assert {each.headers["private-token"] for each in host.asked} == {TOKEN}


def test_a_used_up_limit_is_not_waited_for(
    github: CodeHost,
    llmctl: Callable[..., int],
    body: Callable[[str], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An hour's limit that is used up ends the job, instead of billing an hour of waiting."""
    used_up = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999"}
    github.failures = [(403, used_up, {"message": "API rate limit exceeded"})]
    assert llmctl("ci", "comment", "--env", "staging", "--body", body("x")) == ExitCode.FAILED
    assert "rate limit" in capsys.readouterr().err
    assert len(github.asked) == 1
