"""Ties the commands of `llmctl ci` to the code host of the job they run in."""

import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infra.ci import jobs
from infra.clock import SystemClock
from infra.errors import LlmctlError, Refused

if TYPE_CHECKING:
    from infra.ci.comments import Thread
    from infra.ci.github import Github

_REGIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""Where a role's partition exchanges tokens; roles know no regions."""


@dataclass(frozen=True, kw_only=True)
class Affected:
    """Environments that a change may change."""

    environments: tuple[str, ...]
    removed: tuple[str, ...] = ()
    """Whose files are gone."""


def affected(base: str | None, *, every: bool) -> Affected:
    """Compare HEAD with the base; without one all are affected."""
    from infra.ci.changes import changed_environments
    from infra.ci.git import changed_files, root
    from infra.environment.load import environments_directory, files, load

    names = [path.stem for path in files() if every or load(path).provider.name != "embedded"]
    base = base or jobs.base_commit(os.environ)
    if base is None:
        return Affected(environments=tuple(names))
    here = Path.cwd()
    top = root(here)
    folder = environments_directory().resolve()
    if not folder.is_relative_to(top):
        raise Refused(
            f"{folder} is not in the checkout {top}", hint="--base compares files of one repository"
        )
    changed = changed_files(here, base)
    found, gone = changed_environments(changed, names, folder.relative_to(top).as_posix())
    ours = {path.stem for path in files()}
    return Affected(environments=found, removed=tuple(name for name in gone if name not in ours))


def tell_affected(found: Affected, *, as_json: bool) -> None:
    """To stdout (a JSON list, or a document), to the step's output; what is gone, to people."""
    import msgspec

    from cli.render import emit_json

    listed = msgspec.json.encode(found.environments).decode()
    jobs.set_output(os.environ, "environments", listed)
    emit_json(found) if as_json else click.echo(listed)
    for name in found.removed:
        click.echo(
            f"the file of {name} is gone, and the environment is not: destroy it before its file", err=True
        )


def post_comment(env: str, body: Path, pull: int | None, author: str | None) -> None:
    """Bring the pull request to one comment about the environment."""
    from infra.ci.comments import compose, keep_one, marker

    thread, footer = _thread(pull, author)
    mark = marker("plan", env)
    text = _text(body)
    done = keep_one(thread, mark=mark, body=compose(text, mark=mark, footer=footer, limit=thread.limit))
    what = "created" if done.create else "unchanged" if done.update is None else "updated"
    click.echo(f"{env}: comment {what}", err=True)


def keep_issue(env: str, body: Path | None, author: str | None) -> None:
    """Bring the tracker in step with what `llmctl drift` found."""
    from infra.ci.comments import compose, marker
    from infra.ci.issues import keep

    job = jobs.github_job(os.environ)
    github = _github(job, author)
    mark = marker("drift", env)
    text = None
    if body is not None:
        text = compose(
            _text(body), mark=mark, footer=f"[Seen by this run]({job.run_url})", limit=github.limit
        )
    why = f"No drift any more: [this run]({job.run_url})."
    done = keep(github, title=f"{env} has drifted from its file", mark=mark, body=text, why=why)
    click.echo(f"{env}: issue {done.done}", err=True)


def fetch_approved(
    env: str,
    out: Path,
    *,
    commit: str | None,
    branch: str | None,
    workflow: str,
    unreviewed: bool,
    as_json: bool,
) -> None:
    """Find, fetch and write the reviewed archive; tell which it is."""
    from cli.render import emit_json
    from infra.ci.reviewed import Wanted, fetch, find

    job = jobs.github_job(os.environ)
    github = _github(job, None)
    wanted = Wanted(
        environment=env,
        commit=commit or job.commit,
        branch=branch or job.branch,
        workflow=workflow,
        unreviewed=unreviewed,
    )
    found = find(github, wanted)
    content = fetch(github, found, wanted)
    _write_private(out, content)
    people = ", ".join(found.approved_by) or "nobody"
    told = f"{env}: plan of #{found.pull} at {found.commit[:10]}, run {found.run}, approved by {people}"
    jobs.add_summary(os.environ, told)
    click.echo(told, err=True)
    if as_json:
        emit_json({"file": out, "plan": found})


def log_in(role: str) -> None:
    """Name a configuration to the following steps that gets its credentials from `ci credentials`."""
    from infra.aws.web_identity import checked_role
    from infra.ci.identity import profile

    llmctl = shutil.which("llmctl") or str(Path(sys.argv[0]).resolve())
    path = Path(os.environ.get("RUNNER_TEMP") or ".").resolve() / "llmctl-aws-config"
    configuration = profile(shlex.join([llmctl, "ci", "credentials", "--role", checked_role(role)]))
    _write_private(path, configuration.encode())
    jobs.set_variable(os.environ, "AWS_CONFIG_FILE", str(path))
    click.echo(f"the following steps act as {role}", err=True)


def role_credentials(role: str) -> dict[str, Any]:
    """Exchange the job's identity for credentials of the role."""
    from infra.aws.session import Session
    from infra.aws.web_identity import assume, checked_role
    from infra.ci.identity import identity_token

    partition = checked_role(role).split(":")[1]
    token = identity_token(os.environ, SystemClock())
    session = Session(_REGIONS[partition], os.environ)
    return assume(session, role, token, f"llmctl-{os.environ.get('GITHUB_RUN_ID', 'job')}")


def _thread(pull: int | None, author: str | None) -> "tuple[Thread, str]":
    """Where the pull request is talked about, and how our comment ends."""
    if jobs.is_gitlab(os.environ):
        from infra.ci.gitlab import MergeRequestThread

        job = jobs.gitlab_job(os.environ)
        notes = MergeRequestThread(job, _number(pull or job.merge_request), SystemClock())
        return notes, f"Commit {job.commit[:10]}, [job]({job.job_url})"
    from infra.ci.github import PullRequestThread

    github = jobs.github_job(os.environ)
    comments = PullRequestThread(_github(github, author), _number(pull or github.pull))
    made = f"Commit {github.head[:10]}, [run]({github.run_url})."
    return comments, f"{made} An approval from before this plan doesn't count."


def _github(job: jobs.GithubJob, author: str | None) -> "Github":
    from infra.ci.github import Github

    return Github(job, SystemClock(), author=author)


def _number(found: int | None) -> int:
    if found is None:
        raise Refused("this job is not about a pull request", hint="--pull NUMBER names one")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise LlmctlError(f"can't read {path}: {error}") from error


def _write_private(path: Path, content: bytes) -> None:
    """Only we can read it: a plan may hold what logs must not."""
    try:
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except OSError as error:
        raise LlmctlError(f"can't write {path}: {error.strerror or error}") from error
