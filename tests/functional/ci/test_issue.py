"""`llmctl ci issue` against GitHub's REST interface."""

from collections.abc import Callable
from typing import Any

from infra.errors import ExitCode
from tests.fakes.code_hosts import BOT, REPOSITORY, CodeHost

ISSUES = f"/repos/{REPOSITORY}/issues"


def test_life_of_an_issue(github: CodeHost, llmctl: Callable[..., int], body: Callable[[str], str]) -> None:
    """Drift opens one issue with its label, more drift rewrites it, no drift closes it with a word."""
    github.documents[ISSUES] = []
    assert llmctl("ci", "issue", "--env", "staging", "--body", body("broken: chat")) == ExitCode.OK
    [issue] = github.documents[ISSUES]
    assert issue["labels"] == [{"name": "llmctl-drift"}]
    assert f"/repos/{REPOSITORY}/labels/llmctl-drift" in github.documents
    assert llmctl("ci", "issue", "--env", "staging", "--body", body("broken: chat, code")) == ExitCode.OK
    assert "chat, code" in issue["body"]
    assert llmctl("ci", "issue", "--env", "staging", "--close") == ExitCode.OK
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    assert "No drift" in github.documents[f"{ISSUES}/{issue['number']}/comments"][0]["body"]
    assert len(github.documents[ISSUES]) == 1


def test_nothing_to_close(github: CodeHost, llmctl: Callable[..., int]) -> None:
    """The usual day: no drift, no issue, and nothing is written."""
    github.documents[ISSUES] = []
    assert llmctl("ci", "issue", "--env", "staging", "--close") == ExitCode.OK
    assert github.wrote() == []


def test_others_issues_stay(github: CodeHost, llmctl: Callable[..., int]) -> None:
    """An issue of another environment, of a person, or a pull request with the label is not ours to close."""
    mark, labels = "<!-- llmctl:drift:staging -->\nx", [{"name": "llmctl-drift"}]
    others = [
        (1, "ann", mark, {}),
        (2, BOT, mark.replace("staging", "prod"), {}),
        (3, BOT, mark, {"url": "x"}),
    ]
    github.documents[ISSUES] = [
        {"number": number, "user": {"login": author}, "body": text, "labels": labels, "state": "open"}
        | ({"pull_request": pull} if pull else {})
        for number, author, text, pull in others
    ]
    assert llmctl("ci", "issue", "--env", "staging", "--close") == ExitCode.OK
    assert github.wrote() == []


def test_body_or_close(github: CodeHost, llmctl: Callable[..., int], body: Callable[[str], str]) -> None:
    """Both or neither would be a mistake in the workflow."""
    assert llmctl("ci", "issue", "--env", "staging") == ExitCode.USAGE
    assert llmctl("ci", "issue", "--env", "staging", "--close", "--body", body("x")) == ExitCode.USAGE
    assert github.asked == []


def test_a_post_without_an_answer_is_not_repeated(
    github: CodeHost, llmctl: Callable[..., int], body: Callable[[str], str]
) -> None:
    """After a server's error nobody knows whether the issue is there: a second one would be noise."""
    github.documents[ISSUES] = []
    github.documents[f"/repos/{REPOSITORY}/labels/llmctl-drift"] = {"name": "llmctl-drift"}
    before: list[tuple[int, dict[str, str], Any]] = [
        (403, {}, {"message": "no"}),
        (200, {}, []),
        (200, {}, {"name": "llmctl-drift"}),
    ]
    github.failures = [*before, (502, {}, {"message": "bad gateway"})]
    code = llmctl("ci", "issue", "--env", "staging", "--body", body("x"))
    assert code == ExitCode.OUTCOME_UNKNOWN
    assert github.wrote() == [("POST", ISSUES)]
