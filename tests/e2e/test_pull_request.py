"""A pull request from its plan to the environment's end, by the shipped workflows' own scripts.

GitHub is a fake on loopback, the cloud the embedded one; every job works in a checkout of its own. Two steps
differ: there is no AWS to log in to (tests/functional/ci/test_login.py does), and the list of environments
leaves those of the embedded cloud out unless told.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infra.aws.session import Session
from infra.embedded.client import Cloud
from tests.e2e.harness import LLMCTL, Project, project
from tests.fakes import pull_requests, workflows
from tests.fakes.code_hosts import REPOSITORY, TOKEN, CodeHost, serving

NAME = "review"
ENVIRONMENT = """\
environment: review
provider: {name: embedded, region: us-east-1, account: "123456789012"}
network: {cidr: 10.45.0.0/16}
endpoint: {allow_cidrs: [127.0.0.0/8], port: 8080, default_model: chat}
models:
  chat:
    source: hf://example/chat-7B
    engine: {name: simulator, version: "1"}
    instances: {types: [g5.xlarge], zones: [us-east-1a, us-east-1b]}
    replicas: {min: 1, max: 2}
    routing: {deregistration_delay: 5s}
    # Nobody asks anything: the steps advance without evidence.
    rollout: {steps: [50, 100], bake: 2s, propagation: 1s, inconclusive: advance, patience: 5s}
"""
NO_CHANGES, DIFFERS = 0, 2

pytestmark = [
    pytest.mark.terraform,
    pytest.mark.slow,
    pytest.mark.timeout(600),  # the first test deploys as well
    pytest.mark.xdist_group("review"),
]


@dataclass
class Repository:
    """The project as a git repository, its code host, and the jobs that run in it."""

    project: Project
    host: CodeHost
    commits: dict[str, str] = field(default_factory=dict)
    """By what they are: head, merge."""
    archive: bytes = b""
    """The plan that the pull request's job kept."""
    jobs: int = 0

    def git(self, *arguments: str) -> str:
        """What git says, in the developers' own checkout."""
        settings = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
        command = ["git", *settings, *arguments]
        done = subprocess.run(command, cwd=self.project.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, why: str) -> str:
        """Commit the environment files; the commit."""
        self.git("add", "environments")
        self.git("commit", "--quiet", "--message", why)
        return self.git("rev-parse", "HEAD")

    def job(self, ref: str, event: str, **told: Any) -> "Job":
        """A job about an event, with a fresh checkout of a ref."""
        self.jobs += 1
        folder = self.project.folder / "jobs" / str(self.jobs)
        self.git("clone", "--quiet", "--branch", ref, str(self.project.folder), str(folder))
        (folder / "event.json").write_text(json.dumps(told))
        github = {
            "GITHUB_API_URL": self.host.address,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(folder / "event.json"),
            "GITHUB_RUN_ID": str(pull_requests.RUN),
            "GITHUB_SHA": self.git("rev-parse", ref),
            "GITHUB_REF_NAME": ref,
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            "GITHUB_OUTPUT": str(folder / "outputs"),
        }
        return Job(folder, {**_bare(self.project.variables), **github, "ENVIRONMENT": NAME})

    @property
    def issues(self) -> list[dict[str, Any]]:
        """What the code host's tracker has."""
        return list(self.host.documents.get(f"{pull_requests.REPO}/issues", []))


@dataclass
class Job:
    """A checkout, and the process environment of the steps in it."""

    folder: Path
    variables: dict[str, str]

    def run(self, script: str, **more: str) -> str:
        """Run a step, which must succeed; what it said."""
        done = subprocess.run(
            [*workflows.SHELL, "-c", script],
            cwd=self.folder,
            env={**self.variables, **more},
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @property
    def plan(self) -> Path:
        """The archive."""
        return self.folder / f"{NAME}.llmctl-plan"

    @property
    def summary(self) -> str:
        """What the run's page shows."""
        return (self.folder / "summary.md").read_text()


def _bare(variables: dict[str, str]) -> dict[str, str]:
    """Without what the machine that runs the tests says of its own job; with llmctl on the PATH."""
    of_a_job = ("GITHUB_", "GITLAB_", "CI_", "ACTIONS_")
    kept = {name: value for name, value in variables.items() if not name.startswith(of_a_job)}
    return {**kept, "PATH": f"{Path(LLMCTL).parent}:{os.environ['PATH']}", "NO_PROXY": "127.0.0.1"}


def _code_host() -> CodeHost:
    """With nothing said on pull request 7, and no issue."""
    empty = ("issues/7/comments", "issues", "labels")
    return CodeHost(documents={f"{pull_requests.REPO}/{each}": [] for each in empty})


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """Deployed from main, with a branch that brings chat to another engine version."""
    with project(tmp_path_factory.mktemp("review"), NAME, ENVIRONMENT) as made, serving(_code_host()) as host:
        made.ok("deploy", "--env", NAME, "--yes")
        found = Repository(made, host)
        found.git("init", "--quiet", "--initial-branch", "main")
        found.commit("What is deployed")
        found.git("switch", "--quiet", "--create", pull_requests.BRANCH)
        made.change('version: "1"', 'version: "2"')
        found.commits["head"] = found.commit("The next engine")
        # What a pull request's jobs check out: the merge as it would be.
        found.git("switch", "--quiet", "--create", "preview", "main")
        found.git("merge", "--quiet", "--no-ff", "--no-edit", pull_requests.BRANCH)
        found.git("switch", "--quiet", "main")
        yield found


def test_reviewers_get_the_plan(repository: Repository) -> None:
    """The pull request's environments are found, and its one comment says what the change means."""
    head = repository.commits["head"]
    job = repository.job("preview", "pull_request", pull_request={"number": 7, "head": {"sha": head}})
    assert job.run("llmctl ci environments --all").split() == [f'["{NAME}"]']
    job.run(workflows.step("plan", "plan", "llmctl plan"))
    for _ in range(2):  # a second push's job finds the comment of the first
        job.run(workflows.step("plan", "plan", "--body plan.md"))
    [comment] = repository.host.documents[f"{pull_requests.REPO}/issues/7/comments"]
    assert "engine version 1 -> 2" in comment["body"]
    assert "a new release rolls out in 2 steps" in comment["body"]
    assert "**cost**" in comment["body"]
    assert "Plan `" in comment["body"]
    repository.archive = job.plan.read_bytes()


def test_the_merge_applies_what_was_approved(repository: Repository) -> None:
    """Exactly the reviewed archive is fetched and applied, and the rollout's report is left behind."""
    repository.git("merge", "--quiet", "--no-ff", "--no-edit", pull_requests.BRANCH)
    merge = repository.git("rev-parse", "HEAD")
    pull_requests.merged(
        repository.host, NAME, repository.archive, head=repository.commits["head"], merge=merge
    )
    job = repository.job("main", "push")
    job.run(workflows.step("deploy", "deploy", "ci approved"))
    assert job.plan.read_bytes() == repository.archive
    job.run(workflows.step("deploy", "deploy", "llmctl deploy"))
    job.run(workflows.action("report"))
    assert "approved by bob" in job.summary
    [rollout] = json.loads((job.folder / "reports" / "history.json").read_text())
    # The old release is kept warm for a while, for a way back in one call.
    assert (rollout["model"], rollout["phase"]) == ("chat", "keeping")
    assert "<svg" in (job.folder / "reports" / "chat.html").read_text()
    assert repository.project.run("plan", "--env", NAME).code == NO_CHANGES


def test_a_change_by_hand_becomes_an_issue(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rollout leaves no drift; somebody's change in the console is told once, until it is undone."""
    compare = workflows.step("drift", "drift", "llmctl drift")
    repository.job("main", "schedule").run(compare)
    assert repository.issues == []
    _change_by_hand(repository.project, monkeypatch)
    for _ in range(2):
        job = repository.job("main", "schedule")
        job.run(compare)
    [issue] = repository.issues
    assert issue["state"] == "open"
    assert "aws_lb_target_group" in issue["body"]
    assert "aws_lb_target_group" in job.summary
    repository.project.ok("deploy", "--env", NAME, "--yes")
    repository.job("main", "schedule").run(compare)
    assert [each["state"] for each in repository.issues] == ["closed"]


def test_nothing_is_left(repository: Repository) -> None:
    """The workflow that destroys wants the name twice, and leaves nothing that is billed."""
    job = repository.job("main", "workflow_dispatch")
    job.run(workflows.step("destroy", "confirm", "differ"), AGAIN=NAME)
    job.run(workflows.step("destroy", "destroy", "llmctl destroy"))
    assert repository.project.ok("inventory", "--env", NAME, "--json").json() == []


def _change_by_hand(changed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """As somebody does who is in a hurry, in the console."""
    monkeypatch.setenv("LLMCTL_STATE_DIR", changed.variables["LLMCTL_STATE_DIR"])
    cloud = Cloud.locate(NAME)
    assert cloud
    balancer = Session("us-east-1", cloud.environment_over({})).client("elbv2")
    group, *_ = balancer.describe_target_groups()["TargetGroups"]
    attribute = {"Key": "deregistration_delay.timeout_seconds", "Value": "77"}
    balancer.modify_target_group_attributes(TargetGroupArn=group["TargetGroupArn"], Attributes=[attribute])
