"""Which plan archive may be applied for a commit on the deployed branch: the one that its reviewers saw.

Pure. What is trusted: the deployed branch, and people with write access who approve. What is not: forks,
plans made after the approval, runs that can't be told from those of another pull request (such a run may
have used another workflow file, from the other pull request's base). docs/ci.md has the model.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from infra.errors import Refused

_SETTLED = timedelta(minutes=10)
"""An event's run can begin so much later than the event."""


@dataclass(frozen=True, kw_only=True)
class Pull:
    """A pull request."""

    number: int
    author: str
    base: str
    """The branch it goes into."""
    retargeted: datetime | None
    """When it was last pointed at another base."""
    head: str
    """Its last commit."""
    branch: str
    """The branch that it comes from."""
    repository: str
    """Where that branch is; empty when that repository is gone."""
    opened: datetime
    closed: datetime | None
    merged: bool
    merge_commit: str


@dataclass(frozen=True, kw_only=True)
class Review:
    """What somebody said of a commit."""

    author: str
    state: str
    commit: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of a workflow."""

    id: int
    workflow: str
    """Path of the workflow's file."""
    event: str
    head: str
    branch: str
    repository: str
    succeeded: bool
    began: datetime


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A file that a run left, zipped by the host."""

    id: int
    run: int
    name: str
    at: datetime
    expired: bool
    size: int
    digest: str
    """`sha256:...` of the zip, or empty."""


@dataclass(frozen=True, kw_only=True)
class Approved:
    """A plan that may be applied, and why."""

    pull: int
    commit: str
    run: int
    artifact: Artifact
    approved_by: tuple[str, ...]


def merged_pull(pulls: Iterable[Pull], *, commit: str, branch: str, repository: str) -> Pull:
    """The pull request whose merge made the commit; raises `Refused` when there is none to be trusted."""
    for pull in pulls:
        if pull.merged and pull.base == branch and pull.merge_commit == commit:
            if pull.repository.lower() != repository.lower():
                raise Refused(
                    f"#{pull.number} came from {pull.repository or 'a repository that is gone'}: "
                    "plans of forks are never applied",
                    hint="push the branch to this repository and open a pull request from there",
                )
            return pull
    raise Refused(
        f"no pull request was merged to {branch} as {commit[:10]}, so nobody has reviewed a plan of it",
        hint="changes come by pull requests; `llmctl deploy` from a workstation plans and asks anew",
    )


def approvals(pull: Pull, reviews: Iterable[Review], writers: Iterable[str]) -> tuple[Review, ...]:
    """Approvals that stand: each reviewer's last word, of the head commit, by others who may write."""
    last = {review.author: review for review in reviews if review.state.upper() != "COMMENTED"}
    allowed = set(writers) - {pull.author}
    return tuple(
        review
        for author, review in last.items()
        if author in allowed and review.state.upper() == "APPROVED" and review.commit == pull.head
    )


def trusted_runs(
    pull: Pull, runs: Iterable[Run], others: Iterable[Pull], *, workflow: str, repository: str
) -> tuple[Run, ...]:
    """The successful runs of the plan workflow for the head commit, of this pull request and no other.

    `others`: the pull requests from the same branch. A run doesn't say which pull request it was for, so
    one that began while another was open from that branch is no evidence.
    """
    rivals = [other for other in others if other.number != pull.number]
    return tuple(
        run
        for run in runs
        if run.succeeded
        and run.event == "pull_request"
        and run.workflow == workflow
        and (run.head, run.branch) == (pull.head, pull.branch)
        and run.repository.lower() == repository.lower()
        and not (pull.retargeted and run.began < pull.retargeted + _SETTLED)
        and not any(_may_have_started(rival, run) for rival in rivals)
    )


def reviewed_plan(
    pull: Pull,
    runs: Sequence[Run],
    artifacts: Iterable[Artifact],
    given: Sequence[Review],
    *,
    name: str,
    unreviewed: bool,
) -> Approved:
    """The newest plan of that name which was there at the last approval; raises `Refused` without one.

    `unreviewed`: without an approval the newest plan is good enough (the deployment's own reviewers see it).
    """
    known = {run.id for run in runs}
    found = sorted(
        (each for each in artifacts if each.run in known and each.name == name), key=lambda each: each.at
    )
    if not given and not unreviewed:
        raise Refused(
            f"nobody with write access has approved {pull.head[:10]}, the last commit of #{pull.number}",
            hint="plans are applied as reviewed; docs/ci.md says how to do without approvals",
        )
    if given:
        last = max(review.at for review in given)
        found = [each for each in found if each.at <= last]
    if not found:
        raise Refused(
            f"#{pull.number} has no {name} of {pull.head[:10]} from before its approval",
            hint="deploy it by a new pull request; approve once its plan is there",
        )
    newest = found[-1]
    if newest.expired:
        raise Refused(
            f"{name} of #{pull.number} has expired",
            hint="deploy it by a new pull request, or keep plans for longer (retention-days in plan.yml)",
        )
    people = tuple(sorted(review.author for review in given))
    return Approved(pull=pull.number, commit=pull.head, run=newest.run, artifact=newest, approved_by=people)


def _may_have_started(pull: Pull, run: Run) -> bool:
    return pull.opened <= run.began and (pull.closed is None or run.began <= pull.closed + _SETTLED)
