"""What a job is told by its code host, in variables and files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.errors import LlmctlError, Refused

_NO_COMMIT = "0" * 40
"""What a push event calls the commit before a branch's first."""


@dataclass(frozen=True, kw_only=True)
class GithubJob:
    """A job of GitHub Actions.

    https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    """

    api: str
    repository: str
    token: str
    commit: str
    branch: str
    """The branch or tag that the event is about."""
    run_url: str
    event: Mapping[str, Any]

    @property
    def pull(self) -> int | None:
        """Number of the pull request that the event is about."""
        number = self.event.get("pull_request", {}).get("number")
        return int(number) if number else None

    @property
    def head(self) -> str:
        """The commit that people see: of a pull request its last one, not the merge that is checked out."""
        return str(self.event.get("pull_request", {}).get("head", {}).get("sha") or self.commit)


@dataclass(frozen=True, kw_only=True)
class GitlabJob:
    """A job of GitLab CI (https://docs.gitlab.com/ci/variables/predefined_variables/)."""

    api: str
    project: str
    merge_request: int | None
    token: str
    commit: str
    job_url: str


def is_gitlab(variables: Mapping[str, str]) -> bool:
    """Whether this is a job of GitLab CI."""
    return bool(variables.get("GITLAB_CI"))


def github_job(variables: Mapping[str, str]) -> GithubJob:
    """The job of these variables; raises `Refused` for what is missing."""
    repository = _needed(variables, "GITHUB_REPOSITORY")
    server = variables.get("GITHUB_SERVER_URL", "https://github.com")
    run = variables.get("GITHUB_RUN_ID", "")
    return GithubJob(
        api=variables.get("GITHUB_API_URL", "https://api.github.com"),
        repository=repository,
        token=_needed(variables, "GITHUB_TOKEN"),
        commit=variables.get("GITHUB_SHA", ""),
        branch=variables.get("GITHUB_REF_NAME", ""),
        run_url=f"{server}/{repository}/actions/runs/{run}" if run else "",
        event=_event(variables),
    )


def gitlab_job(variables: Mapping[str, str]) -> GitlabJob:
    """The job of these variables; raises `Refused` for what is missing."""
    request = variables.get("CI_MERGE_REQUEST_IID")
    return GitlabJob(
        api=_needed(variables, "CI_API_V4_URL"),
        project=_needed(variables, "CI_PROJECT_ID"),
        merge_request=int(request) if request else None,
        token=_needed(variables, "GITLAB_TOKEN"),
        commit=variables.get("CI_COMMIT_SHA", ""),
        job_url=variables.get("CI_JOB_URL", ""),
    )


def base_commit(variables: Mapping[str, str]) -> str | None:
    """What this job's checkout is to be compared with; None: with nothing, so all counts as changed.

    A pull request's checkout is a merge, whose first parent is the base as it was then. A push says what was
    there before; a merge request of GitLab where it left its target.
    """
    if is_gitlab(variables):
        return variables.get("CI_MERGE_REQUEST_DIFF_BASE_SHA") or _before(
            variables.get("CI_COMMIT_BEFORE_SHA")
        )
    if variables.get("GITHUB_EVENT_NAME") == "pull_request":
        return "HEAD^1"
    if variables.get("GITHUB_EVENT_NAME") == "push":
        return _before(_event(variables).get("before"))
    return None


def set_output(variables: Mapping[str, str], name: str, value: str) -> None:
    """Hand a line on to the steps and jobs that follow, on GitHub; elsewhere nothing happens."""
    if (path := variables.get("GITHUB_OUTPUT")) and "\n" not in value:
        _append(Path(path), f"{name}={value}\n")


def add_summary(variables: Mapping[str, str], text: str) -> None:
    """Add Markdown to the run's page, on GitHub; elsewhere nothing happens."""
    if path := variables.get("GITHUB_STEP_SUMMARY"):
        _append(Path(path), f"{text}\n\n")


def set_variable(variables: Mapping[str, str], name: str, value: str) -> None:
    """Set a variable of the steps that follow, on GitHub."""
    _append(Path(_needed(variables, "GITHUB_ENV")), f"{name}={value}\n")


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a") as file:
            file.write(text)
    except OSError as error:
        raise LlmctlError(f"can't write {path}: {error.strerror or error}") from error


def _event(variables: Mapping[str, str]) -> Mapping[str, Any]:
    path = variables.get("GITHUB_EVENT_PATH")
    if not path:
        return {}
    try:
        event = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise LlmctlError(f"GITHUB_EVENT_PATH: can't read {path}: {error}") from error
    return event if isinstance(event, dict) else {}


def _before(commit: object) -> str | None:
    return str(commit) if commit and commit != _NO_COMMIT else None


def _needed(variables: Mapping[str, str], name: str) -> str:
    if value := variables.get(name):
        return value
    raise Refused(f"{name} is not set", hint=f"docs/ci.md: workflow steps pass it as `env: {name}: ...`")
